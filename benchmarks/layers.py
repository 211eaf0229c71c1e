"""Binary layers, epilogue included, against the same layers of other runtimes, on one core.

    python benchmarks/layers.py --out benchmarks/results/layers.json

OpenVINO's native binary convolution runs the same network with the same weights; the float32 and
int8 layers have weights of their own. Every answer is checked before it is timed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov
import torch

import machine
import signbit
from cores import restricted
from interleave import Samples, interleave, median, ratio
from layer_graphs import LAYERS, Layer, RealChain, binary_chain, real_input
from onnx_peer import OnnxRuntime, export, quantize
from openvino_graph import translate
from openvino_peer import OpenVino
from signbit.bitformat import decode
from tables import figure, table

Call = Callable[[], object]
PACKAGES = ("openvino", "onnxruntime", "onnx", "torch")
OURS = "signbit"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="the JSON file to write")
    parser.add_argument("--only", help="layers whose name contains this")
    parser.add_argument("--quick", action="store_true", help="a few seconds a layer, no int8")
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
            result = compare(layer, shortcut, seconds, int8=not arguments.quick)
            figures["layers"].append(result)
            print(f"\n{result['name']}\n{rows(result)}", flush=True)
            if arguments.out:
                arguments.out.parent.mkdir(parents=True, exist_ok=True)
                arguments.out.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


def compare(layer: Layer, shortcut: bool, seconds: float, int8: bool) -> dict[str, Any]:
    """One layer in all runtimes: milliseconds, G MAC/s, and how many times ours each takes."""
    chains: dict[str, dict[int, Call]] = {}
    checks: dict[str, Any] = {}
    for count in (layer.short, layer.long):
        for name, (call, check) in contenders(layer, count, shortcut, int8).items():
            chains.setdefault(name, {})[count] = call
            checks[name] = check
    calls = {
        f"{name} x{count}": call for name, pair in chains.items() for count, call in pair.items()
    }
    samples = differences(interleave(calls, seconds), list(chains), layer)
    isas = signbit.cpu_isas()
    best = f"{OURS} {isas[0]}"
    peers = {
        name: {
            "ms": median(samples, name),
            "gmacs_per_s": layer.macs / median(samples, name) / 1e6,
            "times_ours": ratio(samples, name, best),
            "check": checks[name],
        }
        for name in samples
    }
    kind = "scale, shift, shortcut → reals and signs" if shortcut else "scale, shift → signs"
    return {"name": f"{layer.name}, {kind}", "macs": layer.macs, "contenders": peers}


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


def contenders(
    layer: Layer, count: int, shortcut: bool, int8: bool
) -> dict[str, tuple[Call, dict[str, Any]]]:
    """Name → a call that runs the chain once, and how its answer was checked."""
    found = _binary(layer, count, shortcut)
    found.update(_real(layer, count, shortcut, int8))
    return found


def _binary(layer: Layer, count: int, shortcut: bool) -> dict[str, tuple[Call, dict[str, Any]]]:
    data = binary_chain(layer, count, shortcut)
    shape = (1, layer.size, layer.size, layer.channels)
    image = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    expected = signbit.load(data, threads=1)(image)
    found: dict[str, tuple[Call, dict[str, Any]]] = {}
    for isa in signbit.cpu_isas():
        if isa == "scalar":
            continue
        engine = signbit.load(data, threads=1, isa=isa)
        if not np.array_equal(engine(image), expected):
            raise AssertionError(f"{isa} differs from the others")
        found[f"{OURS} {isa}"] = (_runner(engine, image), {"different": 0})
    graph, constants = decode(data)
    translated = translate(graph, constants)
    for precision in ("f32", "bf16") if shortcut else ("f32",):
        peer = OpenVino(translated.model, 1, precision)
        feed = translated.feed(image)
        answer = peer(feed).transpose(0, 2, 3, 1)
        kernels = set(peer.kernels()["BinaryConvolution"])
        check = {"different": int((answer != expected).sum()), "kernels": sorted(kernels)}
        if not all(kernel.endswith("_u1") for kernel in kernels):
            raise AssertionError(f"OpenVINO runs {kernels}, no binary kernel")
        if precision == "f32" and check["different"] > 0.01 * answer.size:
            raise AssertionError(f"OpenVINO's answer differs in {check['different']} places")
        name = "OpenVINO binary" + (f", {precision} rest" if shortcut else "")
        found[name] = (peer.bind(feed), check)
    return found


def _real(
    layer: Layer, count: int, shortcut: bool, int8: bool
) -> dict[str, tuple[Call, dict[str, Any]]]:
    torch.manual_seed(0)
    model = RealChain(layer, count, shortcut).eval()
    inputs = real_input(layer)
    feed = np.ascontiguousarray(inputs[:1])
    with torch.inference_mode():
        expected = model(torch.from_numpy(feed)).numpy()
    float32 = export(model, feed.shape)
    peers: dict[str, Any] = {
        "ONNX Runtime float32": OnnxRuntime(float32, 1),
        "OpenVINO float32": OpenVino(_read(float32), 1),
        "OpenVINO bf16": OpenVino(_read(float32), 1, "bf16"),
    }
    if int8:
        quantized = quantize(float32, inputs)
        peers["ONNX Runtime int8"] = OnnxRuntime(quantized, 1)
        peers["OpenVINO int8"] = OpenVino(_read(quantized), 1)
    found: dict[str, tuple[Call, dict[str, Any]]] = {}
    for name, peer in peers.items():
        likeness = float(np.corrcoef(peer(feed).ravel(), expected.ravel())[0, 1])
        if likeness < (0.9999 if "float32" in name else 0.95):
            raise AssertionError(f"{name}: correlation with PyTorch is {likeness:.4f}")
        found[name] = (peer.bind(feed), {"correlation": likeness})
    return found


def _read(model: bytes) -> ov.Model:
    return ov.Core().read_model(model)


def _runner(engine: signbit.Engine, image: npt.NDArray[np.uint8]) -> Call:
    return lambda: engine(image)


def rows(result: dict[str, Any]) -> str:
    """The result as a markdown table."""
    lines = [
        (name, figure(entry["ms"] * 1e3), figure(entry["gmacs_per_s"]), figure(entry["times_ours"]))
        for name, entry in result["contenders"].items()
    ]
    return table(("", "µs a layer", "G MAC/s", "times ours"), lines)


if __name__ == "__main__":
    sys.exit(main())
