"""Files for what else is done with signs: layers of several bits, products, and moves.

A pair of files is the same work twice, with signs as bits and, where that is asked for, as floats.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.bitformat import encode, pack_bits
from signbit.bitformat.graph import Graph, GraphInput, GraphOutput, Node, Output, Step
from signbit.compiler.constants import NumberedConstants
from subjects.layer_graphs import Layer

__all__ = ["MOVES", "moved", "several_bits", "sign_product"]


def several_bits(layer: Layer, count: int, bits: int, seed: int = 0) -> bytes:
    """Reals → `bits` signs each → `count` binary convolutions of as many bits → one narrow 1×1.

    A layer reads its maps of signs side by side, which meet the same weights, scales and shifts the
    dots and writes a sign for each of its thresholds. One bit is the plain binary layer.
    """
    rng = np.random.default_rng(seed)
    channels, taps = layer.channels, layer.kernel**2 * layer.channels
    constants = NumberedConstants()
    nodes: list[Node] = []

    def add(name: str, op: str, inputs: tuple[int, ...], width: int, **parts: Any) -> int:
        """A node whose scaled values are compared with every threshold; its first tensor."""
        outputs = parts.pop("outputs", None) or tuple(
            Output("signs", threshold=constants.number(_row(rng, width, at)))
            for at in np.linspace(-0.5, 0.5, bits + 2)[1:-1]
        )
        first = 1 + sum(len(node.outputs) for node in nodes)
        nodes.append(Node(name, op, inputs, outputs=outputs, **parts))
        return first

    def affine(scale: float, width: int) -> tuple[Step, ...]:
        keys = {"scale": np.full(width, scale, np.float32), "shift": _row(rng, width, 0)}
        return (Step("affine", {name: constants.number(each) for name, each in keys.items()}),)

    def window(kernel: int, width: int) -> dict[str, Any]:
        weight = pack_bits(rng.random((width, kernel**2 * channels)) < 0.5)
        keys: dict[str, Any] = {"kernel": (kernel, kernel), "padding": (kernel // 2,) * 4}
        if bits > 1:
            keys["copies"] = bits
        return {**keys, "weight": constants.number(weight)}

    def joined(first: int, name: str) -> int:
        if bits == 1:
            return first
        maps = tuple(range(first, first + bits))
        return add(name, "concat", maps, channels * bits, outputs=(Output("signs"),))

    maps = joined(add("signs", "identity", (0,), channels), "maps")
    for number in range(count):
        keys, steps = window(layer.kernel, channels), affine((taps * bits) ** -0.5, channels)
        signs = add(f"layer{number}", "binary_conv", (maps,), channels, keys=keys, steps=steps)
        maps = joined(signs, f"maps{number}")
    last = add("tail", "binary_conv", (maps,), 1, keys=window(1, 1), outputs=(Output(),))
    given = GraphInput("x", "real", (layer.size, layer.size, channels))
    return encode(Graph((given,), (GraphOutput("y", last),), tuple(nodes)), constants.arrays)


def _row(rng: np.random.Generator, width: int, around: float) -> npt.NDArray[np.float32]:
    return (around + 0.1 * rng.standard_normal(width)).astype(np.float32)


def sign_product(
    heads: int, tokens: int, features: int, *, over_tokens: bool, as_bits: bool
) -> bytes:
    """Two values → their signs → the product of each head's matrices, at node "product".

    over_tokens: a (tokens × tokens) times b, instead of a times b turned round.
    """
    left = (heads, tokens, tokens if over_tokens else features)
    inputs = tuple(
        GraphInput(name, "real", shape)
        for name, shape in (("a", left), ("b", (heads, tokens, features)))
    )
    nodes = _signs(2, as_bits)
    keys = {"over_pixels": True} if over_tokens else {}
    first = 2 + sum(len(node.outputs) for node in nodes)
    nodes.append(Node("product", "matmul", (first - 2, first - 1), keys))
    return encode(Graph(inputs, (GraphOutput("y", first),), tuple(nodes)), {})


MOVES: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "concat": ((256, 64, 64, 64), {}),
    "slice": ((448,), {"first": 192, "count": 128}),
    "space_to_depth": ((64,), {"block": 2}),
    "depth_to_space": ((256,), {"block": 2}),
    "channel_shuffle": ((256,), {"groups": 8}),
    "transpose": ((256,), {}),
}
"""Operation → channels of what it reads, as a BinaryDenseNet joins them, and its keys."""


def moved(op: str, size: int, *, as_bits: bool) -> bytes:
    """Maps of size × size → their signs → those moved, at node "moved"."""
    channels, keys = MOVES[op]
    inputs = tuple(
        GraphInput(f"x{i}", "real", (size, size, each)) for i, each in enumerate(channels)
    )
    count = len(inputs)
    nodes = _signs(count, as_bits)
    first = count + sum(len(node.outputs) for node in nodes)
    outputs = (Output("signs") if as_bits else Output(),)
    nodes.append(Node("moved", op, tuple(range(first - count, first)), keys, (), outputs))
    return encode(Graph(inputs, (GraphOutput("y", first),), tuple(nodes)), {})


def _signs(count: int, as_bits: bool) -> list[Node]:
    """Each input's signs, the last `count` tensors: bits, or -1 and +1 as floats."""
    nodes = [Node(f"bits{i}", "identity", (i,), outputs=(Output("signs"),)) for i in range(count)]
    if not as_bits:
        nodes += [Node(f"floats{i}", "identity", (count + i,)) for i in range(count)]
    return nodes
