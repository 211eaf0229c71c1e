"""Chains of equal binary layers as `.sbnn` files, and of equal real ones as PyTorch networks.

A layer's time is the difference between a long chain and a short one, so that calling, reading the
image and writing the answer drop out, and every layer reads what the layer before has written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from signbit.bitformat import encode, pack_bits
from signbit.bitformat.graph import Graph, GraphInput, GraphOutput, Node, Output, Resize, Step
from signbit.compiler.constants import NumberedConstants

__all__ = ["LAYERS", "Layer", "RealChain", "binary_chain"]


@dataclass(frozen=True)
class Layer:
    """A convolution from and to `channels` maps of size × size, stride 1, its size kept."""

    name: str
    channels: int
    size: int
    kernel: int
    short: int
    """Layers of the short chain."""
    long: int
    """Of the long one: enough for a clear difference, and weights that stay in the cache."""

    @property
    def macs(self) -> int:
        return self.channels**2 * self.kernel**2 * self.size**2


LAYERS = (
    Layer("3x3 64@56", 64, 56, 3, 1, 5),
    Layer("3x3 128@28", 128, 28, 3, 1, 5),
    Layer("3x3 256@14", 256, 14, 3, 1, 5),
    Layer("3x3 512@7", 512, 7, 3, 1, 3),
    Layer("1x1 256@14", 256, 14, 1, 1, 17),
    Layer("3x3 16@32", 16, 32, 3, 1, 17),
    Layer("3x3 32@16", 32, 16, 3, 1, 17),
    Layer("3x3 64@8", 64, 8, 3, 1, 17),
)


def binary_chain(layer: Layer, count: int, shortcut: bool, seed: int = 0) -> bytes:
    """Image → signs → `count` binary layers → one narrow 1×1 layer that writes reals.

    A layer is convolution, scale, shift and sign, as compiled: a threshold on integers, and a flip
    where the scale is negative. With `shortcut`, it is convolution, scale, shift, sum with the
    reals before, and both reals and signs.
    """
    rng = np.random.default_rng(seed)
    channels, taps = layer.channels, layer.kernel**2 * layer.channels
    constants = NumberedConstants()

    def signs(threshold: npt.NDArray[np.generic] | None = None) -> Output:
        flip = rng.integers(0, 1 if shortcut else 2, channels).astype(np.uint8)
        return Output(
            "signs",
            threshold=None if threshold is None else constants.number(threshold),
            flip=constants.number(flip) if flip.any() else None,
        )

    def affine(scale: float, shift: float, width: int) -> Step:
        scales = np.full(width, scale, np.float32)
        shifts = (shift + 0.1 * rng.standard_normal(width)).astype(np.float32)
        keys = {"scale": constants.number(scales), "shift": constants.number(shifts)}
        return Step("affine", keys)

    def window(kernel: int, width: int) -> dict[str, Any]:
        weight = pack_bits(rng.random((width, kernel**2 * channels)) < 0.5)
        side = kernel // 2
        return {
            "kernel": (kernel, kernel),
            "padding": (side, side, side, side),
            "weight": constants.number(weight),
        }

    reals = (Output(),) if shortcut else ()
    nodes = [
        Node(
            "head",
            "identity",
            (0,),
            steps=(affine(1 / 64, -2, channels),),
            outputs=(*reals, signs()),
        )
    ]
    bits = len(nodes[0].outputs)
    for number in range(count):
        inputs: tuple[int, ...] = (bits,)
        keys, steps = window(layer.kernel, channels), tuple[Step, ...]()
        if shortcut:
            inputs = (bits, bits - 1)
            steps = (affine(taps**-0.5, 0, channels), Step("add", {"input": 1}))
            written = signs()
        else:
            limit = int(taps**0.5)
            written = signs(rng.integers(-limit, limit, channels).astype(np.int32))
        outputs = (*reals, written)
        nodes.append(Node(f"layer{number}", "binary_conv", inputs, keys, steps, outputs))
        bits += len(outputs)
    nodes.append(Node("tail", "binary_conv", (bits,), window(1, 1), (affine(1, 0, 1),)))
    image = GraphInput("image", "image", (layer.size, layer.size, channels), Resize(layer.size))
    graph = Graph((image,), (GraphOutput("out", bits + 1),), tuple(nodes))
    return encode(graph, constants.arrays)


class RealChain(nn.Module):
    """The real counterpart: `count` convolutions with bias and ReLU, then one narrow 1×1."""

    def __init__(self, layer: Layer, count: int, shortcut: bool) -> None:
        super().__init__()
        width, kernel = layer.channels, layer.kernel
        self.layers = nn.ModuleList(
            nn.Conv2d(width, width, kernel, padding=kernel // 2) for _ in range(count)
        )
        self.tail = nn.Conv2d(width, 1, 1)
        self.shortcut = shortcut
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                # Half of the inputs are zero after a ReLU: this keeps the next map's variance.
                nn.init.normal_(module.weight, std=(2 / (kernel**2 * width)) ** 0.5)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            y = layer(x)
            x = F.relu(y + x if self.shortcut else y)
        tail: Tensor = self.tail(x)
        return tail


def real_input(layer: Layer) -> npt.NDArray[np.float32]:
    """Batches of one, (16, 1, C, H, W) flattened to (16, C, H, W)."""
    generator = torch.Generator().manual_seed(0)
    shape = (16, layer.channels, layer.size, layer.size)
    values: npt.NDArray[np.float32] = torch.randn(shape, generator=generator).numpy()
    return values
