"""Exported networks in ONNX Runtime and OpenVINO, beside the engine: the same answers, and time.

    python benchmarks/exported.py --data ../shared/data/cifar10 \\
        --imagenet ../shared/data/imagenet-sample --out benchmarks/results/exported.json

ResNet-20 of each method and Bi-Real ResNet-18, briefly trained, compiled, and exported in the forms
for both runtimes. Top classes on real images are compared with PyTorch's, beside PyTorch without
oneDNN; times are medians of one image, all in turn. The engine reads uint8 pixels; the runtimes are
handed normalised floats. Every case has processes of its own. The machine should be idle.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov

import signbit
from measuring import machine
from measuring.cores import restricted
from measuring.interleave import interleave, median, ratio
from measuring.tables import figure, table
from measuring.written import write_json
from peers.onnx_peer import OnnxRuntime
from peers.openvino_peer import OpenVino
from signbit.compiler.verification.verify import verify_end_to_end
from signbit.exchange.onnx.writing import ask_peer, to_onnx
from subjects.grid_cases import Case, Photographs, compiled, evaluated

__all__ = ["CASES", "answers", "main", "rows", "times"]

Figures = dict[str, Any]

METHODS = ("bnn", "xnor", "bireal", "irnet", "sdbnn", "reactnet", "adabin")
CASES = (
    *(Case("resnet20", method, "1/1", "trained") for method in METHODS),
    Case("resnet18", "bireal", "1/1", "trained"),
)
ENGINE = "signbit"
FORMS = {"plain": "ONNX Runtime", "openvino": "OpenVINO"}
"""Form of the file → the runtime that it is for."""


def answers(case: Case, photographs: Photographs, count: int) -> dict[str, Figures]:
    """By runtime: on how many of `count` images its top class is PyTorch's, and the like."""
    result = compiled(case, photographs)
    images = evaluated(case, photographs, count)
    found = {ENGINE: verify_end_to_end(result, images).to_dict()}
    for form, name in FORMS.items():
        asked = ask_peer(to_onnx(result, form), form, result, images)
        if asked is None or not asked.agrees:
            raise AssertionError(f"{case.name}: {name} is not here, or answers otherwise")
        found[name] = asked.to_dict()
    return found


def times(case: Case, photographs: Photographs, threads: int, seconds: float) -> Figures:
    """Milliseconds for one image by runtime, how many times the engine's, and OpenVINO's kernels.

    threads: of each of them.
    """
    result = compiled(case, photographs)
    images = evaluated(case, photographs, 1)
    feed = np.ascontiguousarray(result.inputs[0].tensor(images).numpy())
    engine = signbit.load(result.data, threads=threads)
    runtime = OnnxRuntime(to_onnx(result, "plain"), threads)
    peer = OpenVino(ov.Core().read_model(to_onnx(result, "openvino")), threads)
    contenders: dict[str, Callable[[], object]] = {
        ENGINE: lambda: engine(images),
        FORMS["plain"]: runtime.bind(feed),
        FORMS["openvino"]: peer.bind(feed),
    }
    samples = interleave(contenders, seconds)
    return {
        "isa": engine.isa,
        "binary_kernels": sorted({*peer.kernels().get("BinaryConvolution", [])}),
        "rounds": len(samples[ENGINE]),
        "ms": {name: median(samples, name) for name in samples},
        "times_engine": {name: ratio(samples, name, ENGINE) for name in samples},
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, help="CIFAR-10, as `signbit evaluate --data`")
    parser.add_argument("--imagenet", required=True, help="photographs, in the same form")
    parser.add_argument("--out", type=Path, help="the JSON file to write")
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    parser.add_argument("--images", type=int, default=200, help="of CIFAR-10; photographs: a tenth")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--seconds", type=float, default=20, help="of each comparison of times")
    arguments = parser.parse_args()
    photographs = Photographs(arguments.data, arguments.imagenet)
    found: dict[str, Figures] = {}
    for case in CASES:
        if arguments.only not in case.name:
            continue
        count = arguments.images if case.side < 224 else max(1, arguments.images // 10)
        found[case.name] = {"answers": _alone(answers, case, photographs, count), "times": {}}
        for threads in arguments.threads:
            with restricted(threads):
                measured = _alone(times, case, photographs, threads, arguments.seconds)
            found[case.name]["times"][threads] = measured
        print(f"{case.name}: done", flush=True)
        if arguments.out:
            command = "python benchmarks/exported.py " + " ".join(sys.argv[1:])
            facts = machine.facts("torch", "onnx", "onnxruntime", "openvino")
            write_json(arguments.out, {"command": command, "machine": facts, "cases": found})
    print(f"\n{rows(found)}")
    return 0


def _alone(function: Callable[..., Figures], *arguments: object) -> Figures:
    """What a function returns in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def rows(found: dict[str, Figures]) -> str:
    """The cases as two markdown tables: answers, and times by the number of threads."""
    names = [ENGINE, *FORMS.values()]
    told = []
    for name, case in found.items():
        counts = [case["answers"][each] for each in names]
        same = [f"{each['images'] - each['disagreements']}" for each in counts]
        own = counts[0]["images"] - counts[0]["onednn_disagreements"]
        told.append((name, counts[0]["images"], *same, own))
    head = ("PyTorch's top class", "images", *names, "PyTorch without oneDNN")
    measured = [
        (
            name,
            threads,
            *(f"{figure(each['ms'][n])} ({figure(each['times_engine'][n])}×)" for n in names),
        )
        for name, case in found.items()
        for threads, each in case["times"].items()
    ]
    return f"{table(head, told)}\n\n{table(('ms', 'threads', *names), measured)}"


if __name__ == "__main__":
    sys.exit(main())
