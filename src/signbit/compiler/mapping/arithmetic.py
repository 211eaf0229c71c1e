"""Sums, differences, products and quotients, with constants or of two values of the image."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.compiler.ir import Node, Shape
from signbit.compiler.mapping.tracer import Call
from signbit.errors import CompileError

__all__ = ["MAPPINGS", "affine", "multiply", "per_channel", "same_size", "size_of"]

Vector = npt.NDArray[np.float64]


def _add(call: Call) -> Node:
    alpha = call.arguments["alpha"]
    if call.is_constant("other"):
        return affine(call, "self", 1, alpha * call.constant("other"))
    if call.is_constant("self") and alpha == 1:
        return affine(call, "other", 1, call.constant("self"))
    if alpha != 1:
        raise call.refuse(f"adds {alpha} times a tensor; multiply first")
    return _of_two(call, "add", "adds")


def _subtract(call: Call) -> Node:
    alpha = call.arguments["alpha"]
    if call.is_constant("other"):
        return affine(call, "self", 1, -alpha * call.constant("other"))
    if call.is_constant("self"):
        return affine(call, "other", -alpha, call.constant("self"))
    if alpha != 1:
        raise call.refuse(f"subtracts {alpha} times a tensor; multiply first")
    left, right = call.real("self"), call.real("other")
    read = _addressing(left, right, call.shape())
    if read is not None:
        return call.step("subtract", left, right, **read)
    read = _addressing(right, left, call.shape())
    if read is None:
        raise _sizes(call, "subtracts", left, right)
    # left − right = −(right − left), also after rounding.
    difference = call.step("subtract", right, left, part="difference", **read)
    minus = np.full(right.shape.channels, -1.0)
    return call.step("affine", difference, scale=minus, shift=np.zeros_like(minus))


def _subtract_from(call: Call) -> Node:
    return affine(call, "self", -call.arguments["alpha"], call.constant("other"))


def multiply(call: Call) -> Node:
    """The product of two values, one of which may be constant."""
    if call.is_constant("other"):
        return affine(call, "self", call.constant("other"), 0)
    if call.is_constant("self"):
        return affine(call, "other", call.constant("self"), 0)
    return _of_two(call, "multiply", "multiplies")


def _of_two(call: Call, op: str, verb: str) -> Node:
    """A sum or product of two values that depend on the image: the larger with the other."""
    left, right = call.real("self"), call.real("other")
    for value, operand in ((left, right), (right, left)):
        read = _addressing(value, operand, call.shape())
        if read is not None:
            return call.step(op, value, operand, **read)
    raise _sizes(call, verb, left, right)


def _addressing(value: Node, operand: Node, shape: Shape) -> dict[str, Any] | None:
    """How a step on `value` reads an operand that PyTorch broadcasts; None where it cannot."""
    height, width, channels = operand.shape
    is_pixel = (height, width) == (1, 1) != value.shape[:2]
    fits = is_pixel or operand.shape[:2] == value.shape[:2]
    if value.shape != shape or not fits or channels not in (1, value.shape.channels):
        return None
    read: dict[str, Any] = {"every": (0, 0)} if is_pixel else {}
    return read if channels == value.shape.channels else {**read, "repeat": "tile"}


def _sizes(call: Call, verb: str, left: Node, right: Node) -> CompileError:
    return call.refuse(
        f"{verb} {size_of(left)} and {size_of(right)}; sizes must be equal, or one side one value "
        "per channel or per pixel"
    )


def _divide(call: Call) -> Node:
    if not call.is_constant("other"):
        raise call.refuse("divides by a value that depends on the image")
    divisor = call.constant("other")
    if not divisor.all():
        raise call.refuse("divides by zero")
    return affine(call, "self", 1 / divisor, 0)


def _negate(call: Call) -> Node:
    return affine(call, "self", -1, 0)


def affine(call: Call, name: str, scale: Vector | float, shift: Vector | float) -> Node:
    """scale·x + shift of the argument `name`; constants that broadcast to one a channel."""
    source = same_size(call, name)
    return call.step(
        "affine",
        source,
        scale=per_channel(call, scale, len(call.sizes()), source.shape),
        shift=per_channel(call, shift, len(call.sizes()), source.shape),
    )


def same_size(call: Call, name: str) -> Node:
    """The real value of an argument, of which the call must keep the size."""
    source = call.real(name)
    if call.sizes() != call.sizes(name):
        raise call.refuse(
            f"changes the size from {call.sizes(name)} to {call.sizes()} for each image"
        )
    return source


def per_channel(call: Call, value: Vector | float, dimensions: int, shape: Shape) -> Vector:
    """A constant that broadcasts against (N, C) or (N, C, H, W), as one number a channel."""
    array = np.asarray(value, np.float64)
    full = array.reshape((1,) * (dimensions + 1 - array.ndim) + array.shape)
    if full.size != full.shape[1]:
        raise call.refuse(
            f"combines with a constant of shape {array.shape}; "
            "the engine knows one number a channel"
        )
    return np.broadcast_to(full.reshape(-1), (shape.channels,))


def size_of(node: Node) -> str:
    """Of a value, in words."""
    return f"{node.shape.height}×{node.shape.width}×{node.shape.channels}"


MAPPINGS = {
    "aten.add.Tensor": _add,
    "aten.div.Tensor": _divide,
    "aten.neg.default": _negate,
    "aten.rsub.Scalar": _subtract_from,
    "aten.sub.Tensor": _subtract,
}
