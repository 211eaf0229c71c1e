"""What fusion is worth: ResNet-20 by each method, its chains in one pass or step by step.

    python benchmarks/fusion.py --out benchmarks/results/fusion.json

On one core and every instruction set, the two in turns. Weights are random: speed does not depend
on what a network has learned. The answers must be equal, bit for bit.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import signbit
from measuring import machine
from measuring.cores import restricted
from measuring.interleave import interleave, median, ratio
from measuring.tables import figure, table
from measuring.written import write_json
from signbit.compiler import compile_model
from subjects.against_networks import METHODS, NETWORKS, calibrated

FUSED, STEPS = "fused", "by steps"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="the JSON file to write")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--isas", nargs="+", choices=signbit.cpu_isas(), default=signbit.cpu_isas())
    parser.add_argument("--seconds", type=float, default=10, help="of a method and instruction set")
    arguments = parser.parse_args()
    report: dict[str, Any] = {
        "command": "python benchmarks/fusion.py " + " ".join(sys.argv[1:]),
        "machine": machine.facts("torch"),
        "threads": 1,
        "batch": 1,
        "results": {},
    }
    with restricted(1), TemporaryDirectory() as folder:
        for method in arguments.methods:
            data = compiled(method, Path(folder))
            report["results"][method] = {
                isa: measure(data, isa, arguments.seconds) for isa in arguments.isas
            }
    print(rows(report["results"]))
    if arguments.out:
        write_json(arguments.out, report)
    return 0


def compiled(method: str, folder: Path) -> bytes:
    """The file of a ResNet-20 with random weights and a calibrated normalisation."""
    setting = NETWORKS[f"resnet20-{method}"]
    path = folder / f"{method}.sbnn"
    compile_model(
        calibrated(setting),
        input_size=setting.input_size,
        mean=[0.45, 0.45, 0.45],
        std=[0.225, 0.225, 0.225],
        class_names=(),
        resize_shorter_side=setting.input_size[0],
    ).save(path)
    return path.read_bytes()


def measure(data: bytes, isa: str, seconds: float) -> dict[str, float]:
    """Milliseconds of an image either way, and the ratio: the median of the rounds' own."""
    engines = {
        FUSED: signbit.Engine(data, 1, isa),
        STEPS: signbit.Engine(data, 1, isa, _fuse=False),
    }
    shape = engines[FUSED].input_shape
    image = np.random.default_rng(0).integers(0, 256, (1, *shape), dtype=np.uint8)
    answers = [engine(image) for engine in engines.values()]
    if answers[0].tobytes() != answers[1].tobytes():
        raise SystemExit(f"{isa}: the answers differ")
    calls = {name: lambda engine=engine: engine(image) for name, engine in engines.items()}
    samples = interleave(calls, seconds, pause=0)
    return {
        "fused_ms": median(samples, FUSED),
        "steps_ms": median(samples, STEPS),
        "ratio": ratio(samples, STEPS, FUSED),
        "rounds": len(samples[FUSED]),
    }


def rows(results: dict[str, dict[str, dict[str, float]]]) -> str:
    """A markdown table: how many times the fused time the steps take."""
    isas = list(next(iter(results.values())))
    lines = [
        [method, *(figure(by_isa[isa]["ratio"]) for isa in isas)]
        for method, by_isa in results.items()
    ]
    return table(["steps / fused", *isas], lines)


if __name__ == "__main__":
    sys.exit(main())
