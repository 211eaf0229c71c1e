"""Products and magnitudes: with constants, with one value a pixel (XNOR-Net's K), and Maxout.

Maxout is x · (x < 0 ? a : b), which PyTorch computes in three operations; two are `HELPERS`.
"""

from __future__ import annotations

import numpy as np

from signbit.compiler.ir import Node
from signbit.compiler.mapping.elementwise import affine, per_channel, size_of
from signbit.compiler.mapping.tracer import HALF, Call

__all__ = ["MAPPINGS"]


def _multiply(call: Call) -> str:
    if call.is_constant("other"):
        return affine(call, "self", call.constant("other"), 0)
    if call.is_constant("self"):
        return affine(call, "other", call.constant("self"), 0)
    left, right = call.raw("self"), call.raw("other")
    for x, choice in ((left, right), (right, left)):
        if choice.op == "choice" and call.tracer.graph[choice.input].input == x.name:
            return _maxout(call, x, choice)
    left, right = call.real("self"), call.real("other")
    if left.shape.channels == 1:
        left, right = right, left
    if right.shape.channels != 1 or left.shape[:2] != right.shape[:2]:
        raise call.refuse(
            f"multiplies two values that depend on the image, {size_of(left)} and "
            f"{size_of(right)}; the engine multiplies by one value a pixel only"
        )
    return call.add("pointwise", left, map=right.name)


def _maxout(call: Call, x: Node, choice: Node) -> str:
    slope, positive = choice.slope, choice.positive_slope
    assert positive is not None
    if (positive == 1).all():
        return call.add("pointwise", x, activation="prelu", slope=slope)
    return call.add("pointwise", x, activation="maxout", slope=slope, positive_slope=positive)


def _less(call: Call) -> str:
    if call.arguments["other"] != 0:
        raise call.refuse(f"compares with {call.arguments['other']}; {HALF}")
    return call.add("negative", call.real("self"))


def _where(call: Call) -> str:
    condition = call.raw("condition")
    if condition.op != "negative" or not (call.is_constant("self") and call.is_constant("other")):
        raise call.refuse(f"chooses between values that depend on the image; {HALF}")
    slopes = [
        per_channel(call, call.constant(name), len(call.sizes("condition")), condition.shape)
        for name in ("self", "other")
    ]
    return call.add("choice", condition, slope=slopes[0], positive_slope=slopes[1])


def _abs(call: Call) -> str:
    source = call.real("self")
    slope = np.full(source.shape.channels, -1.0)
    return call.add("pointwise", source, activation="prelu", slope=slope)


MAPPINGS = {
    "aten.abs.default": _abs,
    "aten.lt.Scalar": _less,
    "aten.mul.Tensor": _multiply,
    "aten.where.self": _where,
}
