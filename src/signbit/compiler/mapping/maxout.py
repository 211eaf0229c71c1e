"""Maxout: x · (x < 0 ? a : b), which PyTorch computes in three operations; two are `HALVES`."""

from __future__ import annotations

from signbit.compiler.ir import HALVES, Node
from signbit.compiler.mapping.arithmetic import multiply, per_channel
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS"]


def _multiply(call: Call) -> Node:
    if not (call.is_constant("self") or call.is_constant("other")):
        left, right = (call.as_real(call.raw(name)) for name in ("self", "other"))
        for x, choice in ((left, right), (right, left)):
            if choice.op == "choice" and call.tracer.graph[choice.input].input == x.name:
                return _maxout(call, x, choice)
    return multiply(call)


def _maxout(call: Call, x: Node, choice: Node) -> Node:
    slope, positive = choice["slope"], choice["positive_slope"]
    if (positive == 1).all():
        return call.step("prelu", x, slope=slope)
    return call.step("maxout", x, slope=slope, positive_slope=positive)


def _less(call: Call) -> Node:
    if call.arguments["other"] != 0:
        raise call.refuse(f"compares with {call.arguments['other']}; {HALVES['negative']}")
    return call.add("negative", call.real("self"))


def _where(call: Call) -> Node:
    condition = call.raw("condition")
    if condition.op != "negative" or not (call.is_constant("self") and call.is_constant("other")):
        raise call.refuse(f"chooses between values that depend on the image; {HALVES['choice']}")
    slopes = [
        per_channel(call, call.constant(name), len(call.sizes("condition")), condition.shape)
        for name in ("self", "other")
    ]
    return call.add("choice", condition, slope=slopes[0], positive_slope=slopes[1])


MAPPINGS = {
    "aten.lt.Scalar": _less,
    "aten.mul.Tensor": _multiply,
    "aten.where.Scalar": _where,
    "aten.where.ScalarOther": _where,
    "aten.where.ScalarSelf": _where,
    "aten.where.self": _where,
}
