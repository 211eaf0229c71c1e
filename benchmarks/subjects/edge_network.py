"""The network that devices are compared by: small images, plain binary layers, random weights.

32×32 RGB → 3×3 stem of 64 filters → six 3×3 binary layers of 64, 64, 128, 128, 256 and 256 filters,
the third and the fifth of stride 2 → mean of each map → 10 classes. 188.7 million binary
multiply-adds an image. Every layer is compiled: its signs are by a threshold on integers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.bitformat import encode, pack_bits
from signbit.bitformat.graph import Graph, GraphInput, GraphOutput, Node, Output, Resize, Step
from signbit.compiler.constants import NumberedConstants

__all__ = ["MACS", "SIZE", "edge_network"]

SIZE = 32
STEM = 64
LAYERS = ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1))
"""Filters and stride of each."""
WINDOW: dict[str, Any] = {"kernel": (3, 3), "padding": (1, 1, 1, 1)}


def _macs() -> int:
    total, channels, size = 0, STEM, SIZE
    for filters, stride in LAYERS:
        size //= stride
        total += 9 * channels * filters * size**2
        channels = filters
    return total


MACS = _macs()
"""Binary multiply-adds of an image."""


def edge_network(int16_stem: bool = True, seed: int = 0) -> bytes:
    """The file. The stem's weights are int16, so that its sums are integers, or float32."""
    rng = np.random.default_rng(seed)
    constants = NumberedConstants()

    def signs(channels: int, size: float, kind: type = np.int32) -> Output:
        limits: npt.NDArray[Any] = rng.integers(-int(size), int(size), channels).astype(kind)
        flip = rng.integers(0, 2, channels).astype(np.uint8)
        return Output("signs", threshold=constants.number(limits), flip=constants.number(flip))

    stem = rng.normal(0, 40, (STEM, 3, 3, 3))
    kind = np.int16 if int16_stem else np.float32
    keys = {**WINDOW, "weight": constants.number(stem.astype(kind))}
    outputs = (signs(STEM, 9000, np.int32 if int16_stem else np.float32),)
    nodes = [Node("stem", "real_conv", (0,), keys, outputs=outputs)]
    channels = STEM
    for number, (filters, stride) in enumerate(LAYERS):
        weight = pack_bits(rng.random((filters, 9 * channels)) < 0.5)
        keys = {**WINDOW, "weight": constants.number(weight)}
        if stride > 1:
            keys["stride"] = (stride, stride)
        name = f"layer{number}"
        if number < len(LAYERS) - 1:
            outputs = (signs(filters, (9 * channels) ** 0.5),)
            nodes.append(Node(name, "binary_conv", (number + 1,), keys, outputs=outputs))
        else:
            scale = {
                key: constants.number(rng.random(filters).astype(np.float32) / 48)
                for key in ("scale", "shift")
            }
            nodes.append(Node(name, "binary_conv", (number + 1,), keys, (Step("affine", scale),)))
        channels = filters
    nodes.append(Node("mean", "global_mean", (len(nodes),)))
    weight = rng.normal(0, 0.1, (10, 1, 1, channels)).astype(np.float32)
    keys = {"kernel": (1, 1), "weight": constants.number(weight)}
    nodes.append(Node("head", "real_conv", (len(nodes),), keys))
    image = GraphInput("image", "image", (SIZE, SIZE, 3), Resize(SIZE))
    graph = Graph((image,), (GraphOutput("logits", len(nodes)),), tuple(nodes))
    return encode(graph, constants.arrays)
