"""Every runtime's version of one chain of layers, each checked before anybody times it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import openvino as ov
import torch

import signbit
from peers.larq_peer import Larq, write_model
from peers.onnx_peer import OnnxRuntime, export, quantize
from peers.openvino_graph import translate
from peers.openvino_peer import OpenVino
from signbit.bitformat import decode
from subjects.layer_graphs import Layer, RealChain, binary_chain, real_input

__all__ = ["OURS", "Contender", "Options", "contenders"]

Contender = tuple[Callable[[], object], dict[str, Any]]
"""A call that runs the chain once, and how its answer was checked."""

OURS = "signbit"
LARQ_ROUNDING = 1e-2
"""Its answers are integers plus a constant, with rounding errors."""


class Options(NamedTuple):
    int8: bool
    larq_python: Path | None
    """An interpreter that has larq-compute-engine, or None."""
    resources: ExitStack
    """Closes what the contenders hold."""


def contenders(layer: Layer, count: int, shortcut: bool, options: Options) -> dict[str, Contender]:
    """By name; raises AssertionError where an answer is wrong."""
    found = _binary(layer, count, shortcut)
    found |= _larq(layer, count, shortcut, options)
    return found | _real(layer, count, shortcut, options.int8)


def _binary(layer: Layer, count: int, shortcut: bool) -> dict[str, Contender]:
    data = binary_chain(layer, count, shortcut)
    image = _image(layer)
    expected = signbit.load(data, threads=1)(image)
    found: dict[str, Contender] = {}
    for isa in signbit.cpu_isas():
        if isa == "scalar":
            continue
        engine = signbit.load(data, threads=1, isa=isa)
        if not np.array_equal(engine(image), expected):
            raise AssertionError(f"{isa} differs from the others")
        layers = [report for report in engine.explain(image) if report["name"].startswith("layer")]
        limit = layers[0].get("limit_gmacs_per_s")
        check = {"different": 0, "kernel": layers[0]["kernel"], "limit_gmacs_per_s": limit}
        found[f"{OURS} {isa}"] = (_runner(engine, image), check)
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


def _larq(layer: Layer, count: int, shortcut: bool, options: Options) -> dict[str, Contender]:
    """Larq's own kernel choice and its indirect one, in processes of their own."""
    if options.larq_python is None:
        return {}
    data = binary_chain(layer, count, shortcut)
    graph, constants = decode(data)
    image = _image(layer)
    engine = signbit.load(data, threads=1)
    feed = engine.run_nodes({0: image}, [1])[1]  # what the first node writes first
    if graph.nodes[0].outputs[0].kind == "signs":
        feed = 1 - 2 * feed.astype(np.float32)
    model = write_model(options.larq_python, graph, constants)
    found: dict[str, Contender] = {}
    for kernel in ("direct", "indirect"):
        folder = Path(options.resources.enter_context(tempfile.TemporaryDirectory()))
        peer = Larq(options.larq_python, model, feed, kernel, folder)
        options.resources.callback(peer.close)
        wrong = int((np.abs(peer.answer - engine(image)) > LARQ_ROUNDING).sum())
        if wrong > 0.01 * peer.answer.size:
            raise AssertionError(f"Larq's answer differs in {wrong} places")
        found[f"Larq, {kernel}"] = (peer.run, {"different": wrong})
    return found


def _real(layer: Layer, count: int, shortcut: bool, int8: bool) -> dict[str, Contender]:
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
    found: dict[str, Contender] = {}
    for name, peer in peers.items():
        likeness = float(np.corrcoef(peer(feed).ravel(), expected.ravel())[0, 1])
        if likeness < (0.9999 if "float32" in name else 0.95):
            raise AssertionError(f"{name}: correlation with PyTorch is {likeness:.4f}")
        found[name] = (peer.bind(feed), {"correlation": likeness})
    return found


def _read(model: bytes) -> ov.Model:
    return ov.Core().read_model(model)


def _runner(engine: signbit.Engine, image: npt.NDArray[np.uint8]) -> Callable[[], object]:
    return lambda: engine(image)


def _image(layer: Layer) -> npt.NDArray[np.uint8]:
    shape = (1, layer.size, layer.size, layer.channels)
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
