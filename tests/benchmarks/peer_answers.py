"""What the peers say, in plain arrays: called where they are installed, in a process of theirs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import openvino as ov
from tests.compiler.nets import compiled, network
from tests.runtime.graphs import Builder
from tests.runtime.random_graphs.steps import Draft

import architectures
from peers.onnx_peer import OnnxRuntime, export, quantize
from peers.openvino_graph import PART, translate
from peers.openvino_peer import OpenVino
from peers.peer_models import images_for, normalised
from signbit import methods, models
from signbit.bitformat import decode
from signbit.bitformat.graph import Shape
from signbit.runtime.reference import ReferenceEngine
from subjects.layer_graphs import Layer, binary_chain
from whole_networks import Eager, agreement, in_batches, scaling

__all__ = ["agreement", "images_for", "scaling"]  # called by their names too

SIZE = (32, 32, 3)
LAYER = Layer("small", 16, 6, 3, 1, 3)


Answers = tuple[np.ndarray, np.ndarray, list[str]]
"""The peer's, the expected ones, and the kernels of the peer's binary convolutions.

No class of this module: who unpickles one imports the peers.
"""


def of_chain(channels: int, shortcut: bool) -> Answers:
    layer = replace(LAYER, channels=channels)
    images = np.random.default_rng(0).integers(0, 256, (2, 6, 6, channels), dtype=np.uint8)
    return _answers(binary_chain(layer, 3, shortcut), images)


def of_network(architecture: str, method: str) -> Answers:
    data = compiled(network(architecture, method, SIZE), SIZE).data
    images = np.random.default_rng(0).integers(0, 256, (2, *SIZE), dtype=np.uint8)
    return _answers(data, images)


class Translatable(Builder):
    """Random graphs of what has a counterpart; what the builder draws seldom has none."""

    def happens(self, chance: float) -> bool:
        return chance >= 0.5 and super().happens(chance)

    def activation(self, draft: Draft, op: str) -> None:
        known = ("relu", "hardtanh", "prelu", "sigmoid")
        super().activation(draft, op if op in known else self.choose(known))

    def address(self, operand: Shape, shape: Shape) -> dict[str, Any] | None:
        keys = super().address(operand, shape)
        return None if keys is None or "repeat" in keys else keys


def of_random_ops(seed: int) -> Answers:
    """Strides, paddings, dilations, pools of reals, signs and dots, shortcuts, activations."""
    builder = Translatable(seed)
    image = builder.input("image", (13, 11, 8))
    builder.real_conv(image, 16, (3, 3), padding=(1, 1, 1, 1))
    builder.prepare(image)
    for _ in range(3):
        bits, real = builder.of_kind("bits")[-1], builder.of_kind("real")[-1]
        builder.binary_conv(bits, 8, (3, 3), padding=(2, 1, 2, 1), dilation=(2, 1), stride=(1, 2))
        builder.binary_conv(bits, 24, (2, 3), pool=True, padding=(1, 1, 1, 0))
        builder.pool("max_pool", bits)
        builder.pool("max_pool", real)
        builder.pool("avg_pool", real)
        builder.real_conv(real, 8, (1, 1))
        builder.identity(real)
    builder.simple("global_mean", builder.of_kind("real")[-1])
    builder.head()
    case = builder.case(2)
    return _answers(case.data, case.feeds[0].astype(np.uint8))


def _answers(data: bytes, images: np.ndarray) -> Answers:
    graph, constants = decode(data)
    translated = translate(graph, constants, len(images))
    peer = OpenVino(translated.model, 1)
    answer = peer(translated.feed(images)).transpose(0, 2, 3, 1)
    expected = ReferenceEngine(data)(images)
    kernels = peer.kernels().get("BinaryConvolution", [])
    return answer.reshape(expected.shape), expected, kernels


def times() -> dict[str, float]:
    """Milliseconds by the node of the file that they are spent on."""
    # Large enough for whole microseconds in every node, on fast cores too.
    layer = replace(LAYER, channels=64, size=56)
    translated = translate(*decode(binary_chain(layer, 3, True)))
    peer = OpenVino(translated.model, 1, profile=True)
    peer.bind(np.zeros((1, 64, 56, 56), np.float32))
    spent = peer.node_ms(runs=2)
    return {name.split(PART)[0]: ms for name, ms in spent.items() if PART in name}


def translate_grouped() -> None:
    builder = Translatable(0)
    _, bits = builder.prepare(builder.input("image", (5, 5, 8)))
    builder.binary_conv(bits, 8, (3, 3), groups=2)
    builder.head()
    case = builder.case(1)
    translate(case.graph, case.constants)


def of_real_network() -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """PyTorch's answers, those of peers in float32, and those of peers that round."""
    model = models.build("real-resnet20", methods.get("real"), classes=10, channels=3)
    inputs = normalised(images_for(32, 16))
    float32 = export(model, (4, 3, 32, 32))
    int8 = quantize(float32, inputs)
    read = ov.Core().read_model
    exact = {
        "ONNX Runtime": OnnxRuntime(float32, 1),
        "OpenVINO": OpenVino(read(float32), 1),
    }
    rounded = {
        "ONNX Runtime int8": OnnxRuntime(int8, 1),
        "OpenVINO int8": OpenVino(read(int8), 1),
        "OpenVINO bf16": OpenVino(read(float32), 1, "bf16"),
    }

    def answered(peers: dict[str, OnnxRuntime | OpenVino]) -> dict[str, np.ndarray]:
        return {name: in_batches(peer, inputs, 4) for name, peer in peers.items()}

    return Eager(model)(inputs), answered(exact), answered(rounded)


def of_architecture(name: str, data: str, imagenet: str) -> tuple[dict[str, Any], str]:
    """The figures of one network, and the table of it alone."""
    row = architectures.measure(name, data, imagenet, 0.1)
    return row, architectures.rows({name: row})
