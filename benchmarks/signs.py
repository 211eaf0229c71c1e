"""What it is worth that signs stay bits: layers of several bits, products of signs, and moves.

    python benchmarks/signs.py --out benchmarks/results/signs.json

On one core and every instruction set but the scalar one. A layer of k bits is timed beside the
binary layer, as the difference between a long chain and a short one; products and moves beside the
same of floats, each alone. Weights are random: speed does not depend on what a network has learned.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median as middle
from typing import Any

import numpy as np
import numpy.typing as npt

import signbit
from measuring import machine
from measuring.cores import restricted
from measuring.interleave import Samples, interleave, median, ratio
from measuring.tables import figure, table
from measuring.written import write_json
from subjects.layer_graphs import LAYERS, Layer
from subjects.sign_graphs import MOVES, moved, several_bits, sign_product

BITS = (1, 2, 3)
PRODUCTS = {"tokens × tokens": False, "over tokens": True}
HEADS, TOKENS, FEATURES = 3, 196, 64
SIZE = 28
"""Of maps that are moved."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="the JSON file to write")
    isas = [isa for isa in signbit.cpu_isas() if isa != "scalar"] or list(signbit.cpu_isas())
    parser.add_argument("--isas", nargs="+", choices=signbit.cpu_isas(), default=isas)
    parser.add_argument("--seconds", type=float, default=10, help="of a layer and instruction set")
    arguments = parser.parse_args()
    report: dict[str, Any] = {
        "command": "python benchmarks/signs.py " + " ".join(sys.argv[1:]),
        "machine": machine.facts(),
        "threads": 1,
        "batch": 1,
        "results": {},
    }
    with restricted(1):
        for isa in arguments.isas:
            report["results"][isa] = measure(isa, arguments.seconds)
            print(f"\n{isa}\n{rows(report['results'][isa])}", flush=True)
    if arguments.out:
        write_json(arguments.out, report)
    return 0


def measure(isa: str, seconds: float) -> dict[str, dict[str, float]]:
    """By name of what is timed: µs, and how many times what it is held against it takes."""
    found = {}
    for layer in LAYERS:
        found |= layers_of_bits(layer, isa, seconds)
    for name, over_tokens in PRODUCTS.items():
        files = [
            sign_product(HEADS, TOKENS, FEATURES, over_tokens=over_tokens, as_bits=as_bits)
            for as_bits in (True, False)
        ]
        found[f"product, {name}"] = beside_floats("product", files, isa)
    for op in MOVES:
        files = [moved(op, SIZE, as_bits=as_bits) for as_bits in (True, False)]
        found[op] = beside_floats("moved", files, isa)
    return found


def layers_of_bits(layer: Layer, isa: str, seconds: float) -> dict[str, dict[str, float]]:
    """A layer of one bit, two and three; the ratio is to one bit's time, the bar 1.1 · bits."""
    calls: dict[str, Callable[[], object]] = {}
    for bits in BITS:
        for count in (layer.short, layer.long):
            engine = signbit.load(several_bits(layer, count, bits), threads=1, isa=isa)
            given = inputs_of(engine)
            calls[f"{bits} x{count}"] = lambda engine=engine, given=given: engine(given)
    samples = interleave(calls, seconds, pause=0)
    more = layer.long - layer.short
    each: Samples = {
        str(bits): [
            (long - short) / more
            for long, short in zip(
                samples[f"{bits} x{layer.long}"], samples[f"{bits} x{layer.short}"], strict=True
            )
        ]
        for bits in BITS
    }
    return {
        f"{layer.name}, bits: {bits}": {
            "us": 1e3 * median(each, str(bits)),
            "ratio": ratio(each, str(bits), "1"),
        }
        for bits in BITS
    }


def beside_floats(node: str, files: list[bytes], isa: str) -> dict[str, float]:
    """A node's time with signs as bits and as floats, whose values are the same.

    The ratio is floats' time by bits', of medians of some rounds in turns.
    """
    engines = [signbit.load(file, threads=1, isa=isa) for file in files]
    given = inputs_of(engines[0])
    answers = [np.asarray(engine(given), np.float32) for engine in engines]
    if not np.array_equal(*answers):
        raise SystemExit(f"{node}: the answers differ")
    times: list[list[float]] = [[], []]
    for _ in range(9):
        for own, engine in zip(times, engines, strict=True):
            own += [report["ms"] for report in engine.explain(given) if report["name"] == node]
    bits, floats = (1e3 * middle(own) for own in times)
    return {"us": bits, "floats_us": floats, "ratio": floats / bits}


def inputs_of(engine: signbit.Engine) -> Any:
    """A sample: an array, or one for each input by name."""
    rng = np.random.default_rng(0)
    arrays: dict[str, npt.NDArray[np.float32]] = {
        each.name: rng.standard_normal((1, *each.shape)).astype(np.float32)
        for each in engine.inputs
    }
    return arrays if len(arrays) > 1 else next(iter(arrays.values()))


def rows(found: dict[str, dict[str, float]]) -> str:
    """A markdown table."""
    lines = [
        [name, figure(each["us"]), figure(each.get("floats_us")), figure(each["ratio"])]
        for name, each in found.items()
    ]
    return table(["", "µs", "floats, µs", "ratio"], lines)


if __name__ == "__main__":
    sys.exit(main())
