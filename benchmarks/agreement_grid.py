"""Every network of every method, compiled: does what runs compute what PyTorch computes?

    python benchmarks/agreement_grid.py --data ../shared/data/cifar10 \\
        --imagenet ../shared/data/imagenet-sample --out benchmarks/results/agreement_grid.json

Each case, at random or briefly trained weights, on real images: the engine on every instruction set
and on one and two threads against the NumPy oracle, bit for bit; every node, fed PyTorch's own
inputs, against PyTorch; the top classes of engine and PyTorch, beside those of PyTorch with and
without oneDNN. A line is written whenever a case is done; another run goes on behind the last one.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from math import comb, inf
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

import signbit
from measuring import machine
from measuring.tables import table
from measuring.written import write_json
from signbit.compiler import Compiled
from signbit.compiler.count import ModelCost, count
from signbit.compiler.verification.verify import verify_end_to_end, verify_nodes
from signbit.runtime.reference import ReferenceEngine
from subjects.grid_cases import Case, Images, Photographs, cases, compiled, evaluated

__all__ = ["Lines", "as_table", "failed", "main"]

Line = dict[str, Any]

THREADS = (1, 2)
BATCH = 16
CHANCE = 1e-3
"""A case fails end to end where chance leaves less than this for so many disagreements, were the
engine's twice as frequent as PyTorch's own."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="CIFAR-10, as `signbit evaluate --data`")
    parser.add_argument("--imagenet", required=True, help="photographs, in the same form")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    parser.add_argument("--seconds", type=float, default=inf, help="begin no case after these")
    arguments = parser.parse_args()
    end = time.perf_counter() + arguments.seconds
    torch.set_num_threads(1)
    facts: Line = {"machine": machine.facts("torch"), "isas": signbit.cpu_isas()}
    lines = Lines(arguments.out.with_suffix(".jsonl"), facts)
    wanted = [case for case in cases() if arguments.only in case.name]
    for number, case in enumerate(wanted, 1):
        if case.name not in lines.done and time.perf_counter() < end:
            line = measure(case, Photographs(arguments.data, arguments.imagenet))
            lines.add(line)
            verdict = ", ".join(failed(line)) or "agrees"
            print(
                f"{number}/{len(wanted)} {case.name}: {verdict} ({line['seconds']} s)", flush=True
            )
    results = [lines.done[case.name] for case in wanted if case.name in lines.done]
    total = ends(results)
    faults = {line["case"]: failed(line) for line in results if failed(line)}
    figures = {
        "command": "python benchmarks/agreement_grid.py " + " ".join(sys.argv[1:]),
        **facts,
        "failed": faults,
        "end_to_end": total,
        "cases": results,
    }
    write_json(arguments.out, figures)
    print(f"\n{as_table(results)}\n")
    print(f"{len(results)} of {len(wanted)} cases, failed: {faults or 'none'}")
    return 1 if faults or total["disagreements"] > 2 * total["onednn_disagreements"] else 0


class Lines:
    """The results so far, in a file of one JSON object per line; the first says on what machine.

    Ends the program where they are another machine's or of other versions.
    """

    def __init__(self, path: Path, facts: Line) -> None:
        self.path = path
        self.done: dict[str, Line] = {}
        text = path.read_text() if path.exists() else ""
        written = text[: text.rfind("\n") + 1]  # what was killed while writing left no end of line
        if not written:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(facts) + "\n")
            return
        if written != text:
            path.write_text(written)
        first, *rest = map(json.loads, written.splitlines())
        for key in {*facts["machine"]} - {"date"}:
            if first["machine"].get(key) != facts["machine"][key]:
                sys.exit(
                    f"{path}: made with {key} {first['machine'].get(key)}, this is "
                    f"{facts['machine'][key]}; remove the file to begin anew"
                )
        self.done = {line["case"]: line for line in rest}

    def add(self, line: Line) -> None:
        """Keep a result, here and in the file."""
        self.done[line["case"]] = line
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")


class Counts(NamedTuple):
    """Of images."""

    oracle: int
    engines: int
    pytorch: int


def counts(cost: ModelCost) -> Counts:
    """As many images as take each comparison a second, but some at least."""
    oracle = min(16, max(1, int(1 / (2e-8 * cost.flops + 1e-9 * cost.bops))))
    return Counts(
        oracle=oracle,
        engines=max(oracle, min(32, int(3e8 / (cost.flops + cost.bops / 10)))),
        pytorch=max(4, min(200, int(7e9 / (cost.flops + cost.bops)))),
    )


def measure(case: Case, photographs: Photographs) -> Line:
    """All comparisons of one case."""
    start = time.perf_counter()
    result = compiled(case, photographs)
    number = counts(count(result.graph, result.constants, len(result.data)))
    images = evaluated(case, photographs, max(number))
    return {
        "case": case.name,
        **case._asdict(),
        "side": case.side,
        "bytes": len(result.data),
        "engines": engines(result.data, images[: number.engines], number.oracle),
        "nodes": nodes(result, images[: number.pytorch]),
        "end_to_end": verify_end_to_end(
            result, images[: number.pytorch], batch_size=BATCH
        ).to_dict(),
        "seconds": round(time.perf_counter() - start, 1),
    }


def engines(data: bytes, images: Images, oracle_images: int) -> Line:
    """Images with logits that differ in any bit: between engines, and from the oracle."""
    expected: np.ndarray[Any, Any] | None = None
    different = 0
    for isa in signbit.cpu_isas():
        for threads in THREADS:
            logits = signbit.load(data, threads=threads, isa=isa)(images).view(np.uint32)
            expected = logits if expected is None else expected
            different += int((logits != expected).any(1).sum())
    assert expected is not None
    oracle = ReferenceEngine(data)(images[:oracle_images]).view(np.uint32)
    return {
        "images": len(images),
        "runs": len(signbit.cpu_isas()) * len(THREADS),
        "different": different,
        "oracle_images": oracle_images,
        "oracle_different": int((oracle != expected[:oracle_images]).any(1).sum()),
    }


def nodes(result: Compiled, images: Images) -> Line:
    """The sums over nodes of what was compared, and which nodes disagree."""
    found = verify_nodes(result, images, batch_size=BATCH)
    return {
        "images": len(images),
        "nodes": len(found),
        "dots": sum(node.dots for node in found),
        "signs": sum(node.signs for node in found),
        "signs_near": sum(len(node.signs_near) for node in found),
        "reals": sum(node.reals for node in found),
        "largest_relative_error": max(node.relative_error for node in found),
        "disagreeing": [node.to_dict() for node in found if not node.agrees],
    }


def failed(line: Line) -> list[str]:
    """What does not hold of a case; empty where all does."""
    reasons = {
        "instruction sets or threads differ": line["engines"]["different"],
        "the oracle differs": line["engines"]["oracle_different"],
        "nodes differ from PyTorch": line["nodes"]["disagreeing"],
        "answers differ from PyTorch": _unlikely(line["end_to_end"]),
    }
    return [reason for reason, found in reasons.items() if found]


def _unlikely(found: Line) -> bool:
    """Whether the engine differs from PyTorch more than twice as often as PyTorch from itself.

    Of few images that is a question of chance: of n disagreements in all, two thirds are the
    engine's where it differs just twice as often.
    """
    ours, own = found["disagreements"], found["onednn_disagreements"]
    n = ours + own
    tail = sum(comb(n, k) * 2**k for k in range(ours, n + 1)) / 3**n
    return tail < CHANCE


def ends(lines: Sequence[Line]) -> dict[str, int]:
    """Images and disagreements of several cases together."""
    keys = ("images", "disagreements", "onednn_disagreements")
    return {key: sum(line["end_to_end"][key] for line in lines) for key in keys}


def as_table(lines: Sequence[Line]) -> str:
    """Methods × networks: cases that agree of all, disagreements end to end : PyTorch's own."""
    networks = list(dict.fromkeys(line["network"] for line in lines))
    methods = list(dict.fromkeys(line["method"] for line in lines))

    def cell(chosen: Sequence[Line]) -> str:
        if not chosen:
            return "–"
        agreeing = sum(not failed(line) for line in chosen)
        total = ends(chosen)
        own = total["onednn_disagreements"]
        return f"{agreeing}/{len(chosen)}, {total['disagreements']} : {own} of {total['images']}"

    rows = [
        [network]
        + [
            cell([line for line in lines if (line["network"], line["method"]) == (network, method)])
            for method in methods
        ]
        + [cell([line for line in lines if line["network"] == network])]
        for network in networks
    ]
    whole = [cell([line for line in lines if line["method"] == method]) for method in methods]
    return table(["", *methods, "all"], [*rows, ["all", *whole, cell(lines)]])


if __name__ == "__main__":
    sys.exit(main())
