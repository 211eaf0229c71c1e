"""The shape rules of the compiler's own operations, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from signbit.bitformat.checks import require
from signbit.bitformat.graph import Shape
from signbit.compiler.ir.node import Node

__all__ = ["OWN_SHAPE_RULES"]


def _given(node: Node, shapes: Sequence[Shape], where: str) -> Shape:
    return node.shape


def _same(node: Node, shapes: Sequence[Shape], where: str) -> Shape:
    return shapes[0]


def _flat(node: Node, shapes: Sequence[Shape], where: str) -> Shape:
    height, width, channels = shapes[0]
    return 1, 1, height * width * channels


def _view(node: Node, shapes: Sequence[Shape], where: str) -> Shape:
    """Channels are as many as the node says; those of the input must find room."""
    height, width, channels = shapes[0]
    rows, columns = (
        -(-size // step) for size, step in zip((height, width), node["stride"], strict=True)
    )
    last = node["zeros"] + channels
    require(node.shape.channels >= last, f"{where}.shape", f"has no room for {last} channels")
    return rows, columns, node.shape.channels


def _padded(node: Node, shapes: Sequence[Shape], where: str) -> Shape:
    height, width, channels = shapes[0]
    top, left, bottom, right = node["padding"]
    return top + height + bottom, left + width + right, channels


OWN_SHAPE_RULES: Mapping[str, Callable[[Node, Sequence[Shape], str], Shape]] = {
    "given": _given,
    "same": _same,
    "flat": _flat,
    "padded": _padded,
    "view": _view,
}
