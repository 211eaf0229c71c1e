"""Sums, differences, products and quotients, with constants or of two values of the image."""

from __future__ import annotations

from math import prod

import numpy as np
import numpy.typing as npt

from signbit.bitformat.table import LIMITS
from signbit.compiler.axes import pending
from signbit.compiler.ir import Node, Shape, Step
from signbit.compiler.mapping.moves.views import settled, view_of
from signbit.compiler.mapping.over_channels import is_length, normalised
from signbit.compiler.mapping.tracer import Call
from signbit.compiler.mapping.two_values import difference, expanded, joined, spread

__all__ = ["MAPPINGS", "affine", "multiply", "per_channel", "same_size"]

Vector = npt.NDArray[np.float64]


def _add(call: Call) -> Node:
    alpha = call.arguments["alpha"]
    if call.is_constant("other"):
        return affine(call, "self", 1, alpha * call.constant("other"))
    if call.is_constant("self") and alpha == 1:
        return affine(call, "other", 1, call.constant("self"))
    if alpha != 1:
        raise call.refuse(f"adds {alpha} times a tensor", "multiply first")
    return joined(call, "add")


def _subtract(call: Call) -> Node:
    alpha = call.arguments["alpha"]
    if call.is_constant("other"):
        return affine(call, "self", 1, -alpha * call.constant("other"))
    if call.is_constant("self"):
        return affine(call, "other", -alpha, call.constant("self"))
    if alpha != 1:
        raise call.refuse(f"subtracts {alpha} times a tensor", "multiply first")
    return difference(call)


def _subtract_from(call: Call) -> Node:
    alpha = call.arguments["alpha"]
    if call.is_constant("other"):
        return affine(call, "self", -alpha, call.constant("other"))
    if alpha != 1:
        raise call.refuse(f"subtracts {alpha} times a tensor", "multiply first")
    return difference(call, reverse=True)


def multiply(call: Call) -> Node:
    """The product of two values, one of which may be constant."""
    if call.is_constant("other"):
        return affine(call, "self", call.constant("other"), 0)
    if call.is_constant("self"):
        return affine(call, "other", call.constant("self"), 0)
    return joined(call, "multiply")


def _square(call: Call) -> Node:
    value = call.real("self")
    return call.step("multiply", value, value)


def _power(call: Call) -> Node:
    exponent = call.arguments["exponent"]
    if exponent != 2:
        raise call.refuse(
            f"raises to the power {exponent}",
            "the engine knows squares: write other powers as products",
        )
    return _square(call)


def _divide(call: Call) -> Node:
    if is_length(call, "other"):
        return normalised(call)
    if not call.is_constant("other"):
        raise call.refuse(
            "divides by a value that depends on the image",
            "the engine divides by constants, and by "
            "the length of a value's own channels (F.normalize(x, dim=1))",
        )
    divisor = call.constant("other")
    if not divisor.all():
        raise call.refuse("divides by zero")
    return affine(call, "self", 1 / divisor, 0)


def _negate(call: Call) -> Node:
    return affine(call, "self", -1, 0)


def affine(call: Call, name: str, scale: Vector | float, shift: Vector | float) -> Node:
    """scale·x + shift of the argument `name`; constants that broadcast to one per channel."""
    if (
        pending(call.arguments[name]) is not None
        and not call.images
        and np.size(scale) == np.size(shift) == 1
    ):
        return _of_view(call, name, np.ravel(scale)[0], np.ravel(shift)[0])
    source = same_size(call, name)
    if not (_is_by_channel(call, scale) and _is_by_channel(call, shift)):
        return _by_place(call, source, scale, shift)
    return call.step(
        "affine",
        source,
        scale=per_channel(call, scale, source.shape),
        shift=per_channel(call, shift, source.shape),
    )


def _of_view(call: Call, name: str, scale: float, shift: float) -> Node:
    """The same of a view that waits, by one number for all: it waits on."""
    view = view_of(call, name)
    source = call.as_real(view.source)
    constants = {"scale": scale, "shift": shift}
    full = {key: np.full(source.shape.channels, float(x)) for key, x in constants.items()}
    step = Step("affine", full)
    node = call.add("identity", source, steps=[step], part="scaled", shape=source.shape)
    return settled(call, view._replace(source=node))


def _by_place(call: Call, source: Node, scale: Vector | float, shift: Vector | float) -> Node:
    """The same of constants that differ from place to place: those are features of a vector."""
    size = prod(source.shape)
    if size > LIMITS["channels"]:
        raise call.refuse(
            f"combines with a constant for each of {size} values",
            f"the engine knows one number per channel, or for {LIMITS['channels']} places at most",
        )
    order, vector = call.order, Shape(1, 1, size)
    full = (_as_features(call, each) for each in (scale, shift))
    constants = dict(zip(("scale", "shift"), full, strict=True))
    flat = call.add("flatten", source, part="flat", shape=vector)
    step = Step("affine", constants)
    moved = call.add("identity", flat, steps=[step], part="places", shape=vector)
    call.order = order
    return call.add("reshape", moved, rows=source.shape.height, count=source.shape.channels)


def _as_features(call: Call, value: Vector | float) -> Vector:
    """A constant that broadcasts to the result, in the file's order: row, column, channel."""
    full = np.broadcast_to(np.asarray(value, np.float64), (1, *call.sizes()))
    places = [1 + call.order.index(axis) for axis in "HWC" if axis in call.order]
    return full.transpose(0, *places).reshape(-1)


def same_size(call: Call, name: str) -> Node:
    """The real value of an argument, with what it has once as often as the call's result has it."""
    source, before, after = call.real(name), call.sizes(name), call.sizes()
    if before == after:
        return source
    fixes_size = call.tracer.any_size and source.shape[:2] != call.shape()[:2]
    if len(before) != len(after) or fixes_size:
        raise call.refuse(f"changes the size from {before} to {after} for each image")
    return spread(call, source, "spread")


def per_channel(call: Call, value: Vector | float, shape: Shape) -> Vector:
    """A constant that broadcasts against the result, as one number per channel."""
    array = np.asarray(value, np.float64)
    if not _is_by_channel(call, array):
        raise call.refuse(
            f"combines with a constant of shape {array.shape}",
            "the engine knows one number per channel",
        )
    return np.broadcast_to(array.reshape(-1), (shape.channels,))


def _is_by_channel(call: Call, value: Vector | float) -> bool:
    """Whether a constant that broadcasts to the result has one number, or one per channel."""
    array, axes = np.asarray(value), "N" + call.order
    full = array.reshape((1,) * (len(axes) - array.ndim) + array.shape)
    size: int = full.shape[axes.index("C")] if "C" in axes else 1
    return full.size == size


MAPPINGS = {
    "aten.add.Tensor": _add,
    "aten.div.Tensor": _divide,
    "aten.expand.default": expanded,
    "aten.neg.default": _negate,
    "aten.pow.Tensor_Scalar": _power,
    "aten.rsub.Scalar": _subtract_from,
    "aten.rsub.Tensor": _subtract_from,
    "aten.square.default": _square,
    "aten.sub.Tensor": _subtract,
}
