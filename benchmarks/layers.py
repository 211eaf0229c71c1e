"""Binary layers, epilogue included, against the same layers of other runtimes, on one core.

    python benchmarks/layers.py --out benchmarks/results/layers.json

OpenVINO's native binary convolution runs the same network with the same weights; the float32 and
int8 layers have weights of their own. Every answer is checked before it is timed. Larq Compute
Engine needs a Python of its own (`make bench` sets one up).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

import signbit
from measuring import machine
from measuring.cores import restricted
from measuring.interleave import Samples, interleave, median, ratio
from measuring.tables import figure, table
from measuring.written import write_json
from peers.layer_contenders import OURS, Options, contenders
from subjects.layer_graphs import LAYERS, Layer

Call = Callable[[], object]
BINARY = (OURS, "OpenVINO binary", "Larq")
"""How the names of those begin whose multiply-adds are xor and count."""

PACKAGES = ("openvino", "onnxruntime", "onnx", "torch")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="the JSON file to write")
    parser.add_argument("--only", help="layers whose name contains this")
    parser.add_argument("--quick", action="store_true", help="a few seconds per layer, no int8")
    parser.add_argument(
        "--larq-python", type=Path, help="an interpreter with NumPy 1 and larq-compute-engine"
    )
    parser.add_argument("--seconds", type=float, default=30, help="of each comparison")
    arguments = parser.parse_args()
    with restricted(1):
        torch.set_num_threads(1)
        return measure(arguments)


def measure(arguments: argparse.Namespace) -> int:
    figures: dict[str, Any] = {
        "command": "python benchmarks/layers.py " + " ".join(sys.argv[1:]),
        "machine": machine.facts(*PACKAGES),
        "threads": 1,
        "layers": [],
    }
    seconds = 4 if arguments.quick else arguments.seconds
    for layer in LAYERS:
        if arguments.only and arguments.only not in layer.name:
            continue
        for shortcut in (False, True):
            with ExitStack() as resources:
                options = Options(not arguments.quick, arguments.larq_python, resources)
                result = compare(layer, shortcut, seconds, options)
            figures["layers"].append(result)
            print(f"\n{result['name']}\n{rows(result)}", flush=True)
            if arguments.out:
                write_json(arguments.out, figures)
    return 0


def compare(layer: Layer, shortcut: bool, seconds: float, options: Options) -> dict[str, Any]:
    """One layer in all runtimes: milliseconds, G MAC/s, and how many times ours each takes."""
    chains: dict[str, dict[int, Call]] = {}
    checks: dict[str, Any] = {}
    for count in (layer.short, layer.long):
        for name, (call, check) in contenders(layer, count, shortcut, options).items():
            chains.setdefault(name, {})[count] = call
            checks[name] = check
    calls = {
        f"{name} x{count}": call for name, pair in chains.items() for count, call in pair.items()
    }
    samples = differences(interleave(calls, seconds), list(chains), layer)
    isas = signbit.cpu_isas()
    best = f"{OURS} {isas[0]}"
    peers = {name: entry(samples, name, best, layer) | {"check": checks[name]} for name in samples}
    for name, figures in peers.items():
        # Kernels of others have this machine's limit, which is that of its best instruction set.
        limit = checks[name if name.startswith(OURS) else best]["limit_gmacs_per_s"]
        if limit is not None and name.startswith(BINARY):
            figures["share_of_limit"] = figures["gmacs_per_s"] / limit
    kind = "scale, shift, shortcut → reals and signs" if shortcut else "scale, shift → signs"
    return {"name": f"{layer.name}, {kind}", "macs": layer.macs, "contenders": peers}


def entry(samples: Samples, name: str, best: str, layer: Layer) -> dict[str, Any]:
    ms = median(samples, name)
    return {
        "ms": ms,
        "gmacs_per_s": layer.macs / ms / 1e6,
        "times_ours": ratio(samples, name, best),
    }


def differences(samples: Samples, names: list[str], layer: Layer) -> Samples:
    """Of every round, the milliseconds that one layer adds."""
    layers = layer.long - layer.short
    return {
        name: [
            (long - short) / layers
            for long, short in zip(
                samples[f"{name} x{layer.long}"], samples[f"{name} x{layer.short}"], strict=True
            )
        ]
        for name in names
    }


def rows(result: dict[str, Any]) -> str:
    """The result as a markdown table."""
    lines = [
        (
            name,
            figure(figures["ms"] * 1e3),
            figure(figures["gmacs_per_s"]),
            figure(figures.get("share_of_limit")),
            figure(figures["times_ours"]),
        )
        for name, figures in result["contenders"].items()
    ]
    return table(("", "µs per layer", "G MAC/s", "share of the limit", "times ours"), lines)


if __name__ == "__main__":
    sys.exit(main())
