"""Signs of values."""

from __future__ import annotations

from signbit.compiler.ir import Node
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS"]


def _sign(call: Call) -> Node:
    source = call.value("x")
    return source if source.is_sign else call.sign_of(source)


def _torch_sign(call: Call) -> Node:
    raise call.refuse("yields 0 for 0, which is no sign", "use signbit's sign, which yields +1")


def _scale_gradient(call: Call) -> Node:
    return call.value("x")


MAPPINGS = {
    "signbit.sign.default": _sign,
    "signbit.scale_gradient.default": _scale_gradient,
    "aten.sign.default": _torch_sign,
    "aten.sgn.default": _torch_sign,
}
