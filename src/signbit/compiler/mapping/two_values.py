"""Sums, differences and products of two values of the image, of sizes that PyTorch broadcasts.

A step reads its operand where the addressing rule of docs/format.md says; what it cannot address is
spread to the whole map first, pixel by pixel, which rounds nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from signbit.compiler.axes import fitting, order_of
from signbit.compiler.ir import Node, Shape
from signbit.compiler.mapping.moves.joins import join
from signbit.compiler.mapping.over_channels import is_length
from signbit.compiler.mapping.tracer import Call

__all__ = ["difference", "expanded", "joined", "spread"]


def joined(call: Call, op: str) -> Node:
    """The sum (`add`) or product (`multiply`) of the arguments self and other."""
    left, right = _operands(call)
    value, operand, _, read = _arranged(call, left, right)
    return call.step(op, value, operand, **read)


def difference(call: Call, *, reverse: bool = False) -> Node:
    """self − other, or other − self."""
    left, right = reversed(_operands(call)) if reverse else _operands(call)
    value, operand, swapped, read = _arranged(call, left, right)
    if not swapped:
        return call.step("subtract", value, operand, **read)
    # left − right = −(right − left), also after rounding.
    negative = call.step("subtract", value, operand, part="difference", **read)
    minus = np.full(value.shape.channels, -1.0)
    return call.step("affine", negative, scale=minus, shift=np.zeros_like(minus))


def expanded(call: Call) -> Node:
    """`expand`: pixels of a single row or column and a single channel, again and again."""
    if is_length(call, "self"):
        return call.raw("self")
    return spread(call, call.value("self"))


def spread(call: Call, source: Node, part: str | None = None) -> Node:
    """A value on every row, column and channel of the call's result, where it has a single one.

    part: what its nodes are called, where the result is no more than a part of the call's value.
    """
    shape = call.shape()
    if source.shape[:2] != shape[:2]:
        is_last = part is None and source.shape.channels == shape.channels
        source = _spread(call, source, shape, None if is_last else part or "pixels")
    if source.shape.channels == shape.channels:
        return source
    return join(call, [source] * shape.channels, part)


def _operands(call: Call) -> tuple[Node, Node]:
    left, right = (_unexpanded(call, call.real(name)) for name in ("self", "other"))
    orders = [order_of(call.arguments[name]) for name in ("self", "other")]
    if fitting(call.sizes("other"), orders[1], orders[0]):
        call.order = orders[0]
    elif fitting(call.sizes("self"), orders[0], orders[1]):
        call.order = orders[1]
    else:
        call.order = orders[0]
        found = call.arranged(right, call.sizes("other"), orders[1], orders[0])
        if found is None:
            raise call.refuse(
                "combines two values whose channels are different dimensions",
                "bring them into one order: x.transpose(1, -1)",
            )
        right = found
    return left, right


def _unexpanded(call: Call, node: Node) -> Node:
    """What a value was before it was expanded: broadcasting does the same."""
    if node.op not in ("concat", "upsample"):
        return node
    sources = {_unexpanded(call, call.tracer.graph[name]).name for name in node.inputs}
    source = call.tracer.graph[sources.pop()]
    pairs = zip(source.shape, node.shape, strict=True)
    was_expanded = not sources and all(before in (1, after) for before, after in pairs)
    return source if was_expanded else node


def _arranged(call: Call, left: Node, right: Node) -> tuple[Node, Node, bool, dict[str, Any]]:
    """The value with all channels and pixels, the operand, whether that is the left one, and how
    a step reads it."""
    orders = ((left, right, False), (right, left, True))
    shape = call.shape()
    for value, operand, swapped in orders:
        read = _addressing(operand, shape)
        if value.shape == shape and read is not None:
            return value, operand, swapped, read
    value, operand, swapped = next(
        order for order in orders if order[0].shape.channels == shape.channels
    )
    if call.tracer.any_size:
        raise call.refuse(
            f"spreads {_size_of(left)} and {_size_of(right)} over {_size_of(shape)}, which fixes "
            "the size of the images; combine a whole map with one of them, then with the other"
        )
    value = _spread(call, value, shape, "spread")
    read = _addressing(operand, shape)
    if read is None:
        operand = _spread(call, operand, shape, "spread")
        read = _addressing(operand, shape)
    assert read is not None, "PyTorch broadcasts sizes of 1 alone"
    return value, operand, swapped, read


def _size_of(value: Node | Shape) -> str:
    height, width, channels = value.shape if isinstance(value, Node) else value
    return f"{height}×{width}×{channels}"


def _addressing(operand: Node, shape: Shape) -> dict[str, Any] | None:
    """How a step on a value of this shape reads the operand; None where it cannot."""
    height, width, channels = operand.shape
    is_pixel = (height, width) == (1, 1) != shape[:2]
    if not is_pixel and (height, width) != shape[:2]:
        return None
    read: dict[str, Any] = {"every": (0, 0)} if is_pixel else {}
    return read if channels == shape.channels else {**read, "repeat": "tile"}


def _spread(call: Call, node: Node, shape: Shape, part: str | None) -> Node:
    """A value of one row, one column or both, on every row and column of the shape."""
    if node.shape[:2] == shape[:2]:
        return node
    factor = shape.height // node.shape.height, shape.width // node.shape.width
    whole = Shape(shape.height, shape.width, node.shape.channels)
    return call.add("upsample", node, part=part, shape=whole, factor=factor)
