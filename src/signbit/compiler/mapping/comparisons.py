"""Comparisons with constants, and Maxout: x · (x < 0 ? a : b), three calls of PyTorch.

A comparison is a `choice` of True and False (`choices`). Every one is x < level or its opposite: of
float32 x, x ≤ t is the same as x < the float behind t.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from signbit.compiler.ir import Node
from signbit.compiler.mapping.arithmetic import multiply, per_channel, same_size
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS", "level_of"]

_BEHIND_ZERO = np.nextafter(np.float32(0), np.float32(1))


def _multiply(call: Call) -> Node:
    if not (call.is_constant("self") or call.is_constant("other")):
        left, right = (call.as_real(call.raw(name)) for name in ("self", "other"))
        for x, choice in ((left, right), (right, left)):
            if choice.op == "choice" and choice.input == x.name and _is_by_sign(choice):
                return _maxout(call, x, choice)
    return multiply(call)


def _is_by_sign(choice: Node) -> bool:
    """Whether it tells negative values from positive ones; 0 times either constant is 0."""
    return bool(((choice["level"] == 0) | (choice["level"] == _BEHIND_ZERO)).all())


def _maxout(call: Call, x: Node, choice: Node) -> Node:
    slope, positive = (choice[name].astype(np.float64) for name in ("below", "above"))
    if (positive == 1).all():
        return call.step("prelu", x, slope=slope)
    return call.step("maxout", x, slope=slope, positive_slope=positive)


def _compare(call: Call, *, less: bool, or_equal: bool) -> Node:
    """self < other and its like, one of which is constant."""
    value, bound = "self", "other"
    if not call.is_constant(bound):
        if not call.is_constant(value):
            raise call.refuse(
                "compares two values that depend on the image",
                "compare their difference with a number: a - b < 0",
            )
        value, bound, less = bound, value, not less
    source = same_size(call, value)
    level = _level(call, bound, source, or_equal == less)
    below = np.full(source.shape.channels, less)
    return call.choice(call.fx.name, source, level=level, below=below, above=~below)


def _level(call: Call, name: str, source: Node, or_equal: bool) -> npt.NDArray[np.float32]:
    """`level_of` a constant argument, by channel, as PyTorch compares a float32 with it."""
    given = call.arguments[name]
    exact = call.constant(name)
    if (
        isinstance(given, int | float)
        or not exact.ndim
        or _tensor(call, name).dtype != torch.double
    ):
        with np.errstate(over="ignore"):
            exact = exact.astype(np.float32).astype(np.float64)
    bound = per_channel(call, exact, source.shape)
    level = level_of(bound, or_equal=or_equal)
    if not np.isfinite(level).all():
        raise call.refuse(f"compares with {exact.max():g}, and no real of the engine is larger")
    return level


def level_of(bound: npt.NDArray[np.float64], *, or_equal: bool) -> npt.NDArray[np.float32]:
    """The float32 that every float32 below the bound, or equal to it, is below, and no other."""
    with np.errstate(over="ignore"):
        level = bound.astype(np.float32)
        behind = (level < bound) | (or_equal & (level == bound))
        level = np.where(behind, np.nextafter(level, np.float32(np.inf)), level)
    return level + np.float32(0)  # −0.0 is 0


def _tensor(call: Call, name: str) -> Tensor:
    tensor: Tensor = call.tracer.constants[call.arguments[name]]
    return tensor


def _where(call: Call) -> Node:
    raise call.refuse(
        "chooses between values that depend on the image",
        "choose between constants of a channel: x * torch.where(x < 0, a, b)",
    )


MAPPINGS = {
    **{
        f"aten.{name}.{kind}": partial(_compare, less=name[0] == "l", or_equal=name[1] == "e")
        for name in ("lt", "le", "gt", "ge")
        for kind in ("Scalar", "Tensor")
    },
    "aten.mul.Tensor": _multiply,
    "aten.where.Scalar": _where,
    "aten.where.ScalarOther": _where,
    "aten.where.ScalarSelf": _where,
    "aten.where.self": _where,
}
