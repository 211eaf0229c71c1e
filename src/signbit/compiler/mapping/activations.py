"""Functions of one value each, with constants per channel at most."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from signbit.compiler.ir import Node
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS"]


def _same_step(step: str) -> Callable[[Call], Node]:
    """The mapping of a function that is one step without constants."""
    return lambda call: call.step(step, call.real("self"))


def _gelu(call: Call) -> Node:
    if call.arguments["approximate"] != "none":
        raise call.refuse(
            f"is approximated by {call.arguments['approximate']}",
            'the engine knows the exact function: GELU(approximate="none")',
        )
    return call.step("gelu", call.real("self"))


def _prelu(call: Call) -> Node:
    source = call.real_map("self")
    slope = np.broadcast_to(call.constant("weight"), (source.shape.channels,))
    return call.step("prelu", source, slope=slope)


def _leaky_relu(call: Call) -> Node:
    source = call.real("self")
    slope = np.full(source.shape.channels, call.arguments["negative_slope"], np.float64)
    return call.step("prelu", source, slope=slope)


def _abs(call: Call) -> Node:
    source = call.real("self")
    return call.step("prelu", source, slope=np.full(source.shape.channels, -1.0))


MAPPINGS = {
    "aten.abs.default": _abs,
    "aten.gelu.default": _gelu,
    "aten.hardsigmoid.default": _same_step("hard_sigmoid"),
    "aten.hardswish.default": _same_step("hardswish"),
    "aten.leaky_relu.default": _leaky_relu,
    "aten.prelu.default": _prelu,
    "aten.relu.default": _same_step("relu"),
    "aten.sigmoid.default": _same_step("sigmoid"),
    "aten.silu.default": _same_step("silu"),
    "aten.tanh.default": _same_step("tanh"),
}
