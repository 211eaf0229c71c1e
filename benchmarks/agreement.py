"""Is what runs what was trained? Holds a compiled run against the NumPy oracle, itself and PyTorch.

    python benchmarks/agreement.py runs/a --data ../shared/data/cifar10 --out results/a.json

Three questions, on the test images: does the engine equal the oracle bit for bit; is it
bit-identical on every instruction set, thread count and batch size; does every node, fed PyTorch's
own input, agree with PyTorch, and how often does the top class differ end to end.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import signbit
from measuring import machine
from measuring.written import write_json
from signbit.cli.runs import compile_run
from signbit.cli.scoring import match_classes
from signbit.compiler.count import count
from signbit.compiler.verification.verify import verify
from signbit.data import open_dataset
from signbit.runtime.reference import ReferenceEngine
from signbit.training import load_run

Images = npt.NDArray[np.uint8]
Logits = npt.NDArray[np.float32]

CROSS_IMAGES = 64
"""Images on which every combination of instruction set, threads and batch size runs."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a run folder")
    parser.add_argument("--data", required=True, help="the images, as `signbit evaluate --data`")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--oracle-images", type=int, default=1000)
    parser.add_argument("--images", type=int, help="of the test split; default: all")
    arguments = parser.parse_args()

    run = load_run(arguments.run)
    dataset = match_classes(open_dataset(arguments.data, "test"), run.class_names)
    if arguments.images is not None:
        dataset = dataset.take(np.arange(arguments.images))
    dataset = run.preprocessing.fit(dataset)
    compiled = compile_run(run)
    cost = count(compiled.graph, compiled.constants, len(compiled.data))
    expected = signbit.load(compiled.data)(dataset.images)
    figures: dict[str, Any] = {
        "command": "python benchmarks/agreement.py " + " ".join(sys.argv[1:]),
        "machine": machine.facts("torch"),
        "recipe": run.recipe.model_dump(mode="json"),
        "bytes": {"float32": cost.to_dict()["float32_bytes"], "sbnn": len(compiled.data)},
    }
    steps = {
        "identical": lambda: identical(compiled.data, dataset.images, expected),
        "oracle": lambda: oracle(
            compiled.data, dataset.images[: arguments.oracle_images], expected
        ),
        "pytorch": lambda: verify(compiled, dataset.images, dataset.labels).to_dict(),
    }
    for name, step in steps.items():
        start = time.perf_counter()
        figures[name] = step()
        seconds = time.perf_counter() - start
        print(f"{name}: {summary(figures[name])} ({seconds:.0f} s)", file=sys.stderr, flush=True)
        write_json(arguments.out, figures)
    passed = figures["identical"]["different"] == 0 and figures["oracle"]["different"] == 0
    return 0 if passed and figures["pytorch"]["agrees"] else 1


def identical(data: bytes, images: Images, expected: Logits) -> dict[str, Any]:
    """All images on every instruction set, and on every thread count and batch size; a part of
    them on every combination."""
    isas = signbit.cpu_isas()
    everywhere = [(isa, 2, 100) for isa in isas]
    everywhere += [(isas[0], threads, size) for threads in (1, 2, 3, 4) for size in (1, 7, 256)]
    part = [(isa, threads, size) for isa in isas for threads in (1, 2, 3, 4) for size in (1, 5, 64)]
    runs = [(setting, len(images)) for setting in everywhere]
    runs += [(setting, min(CROSS_IMAGES, len(images))) for setting in part]
    different: list[dict[str, Any]] = []
    for (isa, threads, size), number in runs:
        model = signbit.load(data, threads=threads, isa=isa)
        logits = np.concatenate([model(images[i : i + size]) for i in range(0, number, size)])
        wrong = int((bits(logits[:number]) != bits(expected[:number])).any(1).sum())
        if wrong:
            setting = {"isa": isa, "threads": threads, "batch": size, "images": wrong}
            different.append(setting)
    return {
        "isas": isas,
        "threads": [1, 2, 3, 4],
        "batches": [1, 5, 7, 64, 100, 256],
        "images": len(images),
        "runs": len(runs),
        "different": len(different),
        "where": different,
    }


def oracle(data: bytes, images: Images, expected: Logits) -> dict[str, Any]:
    """The NumPy interpreter's logits against the engine's."""
    logits = ReferenceEngine(data)(images)
    different = (bits(logits) != bits(expected[: len(images)])).any(1)
    return {"images": len(images), "different": int(different.sum())}


def bits(values: Logits) -> npt.NDArray[np.uint32]:
    return np.ascontiguousarray(values).view(np.uint32)


def summary(figures: dict[str, Any]) -> str:
    if "nodes" not in figures:
        return ", ".join(f"{key} {figures[key]}" for key in ("images", "different"))
    near = sum(len(node["signs_near"]) for node in figures["nodes"])
    signs = sum(node["signs"] for node in figures["nodes"])
    wrong = sum(node["signs_different"] + node["dots_different"] for node in figures["nodes"])
    return (
        f"{signs} signs, {near} differ at a threshold, {wrong} elsewhere; {figures['end_to_end']}"
    )


if __name__ == "__main__":
    sys.exit(main())
