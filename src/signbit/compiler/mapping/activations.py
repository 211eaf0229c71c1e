"""Functions of one value each, with constants per channel at most."""

from __future__ import annotations

import numpy as np

from signbit.compiler.ir import Node
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS"]


def _relu(call: Call) -> Node:
    return call.step("relu", call.real("self"))


def _hardtanh(call: Call) -> Node:
    return _clipped(call, call.arguments["min_val"], call.arguments["max_val"])


def _clamp(call: Call) -> Node:
    return _clipped(call, call.arguments["min"], call.arguments["max"])


def _clipped(call: Call, low: float | None, high: float | None) -> Node:
    if (low, high) == (-1, 1):
        return call.step("hardtanh", call.real("self"))
    if (low, high) == (0, None):
        return _relu(call)
    raise call.refuse(
        f"clips to [{low}, {high}]; the engine knows [−1, 1] (hardtanh) and [0, ∞] (relu)"
    )


def _sigmoid(call: Call) -> Node:
    return call.step("sigmoid", call.real("self"))


def _prelu(call: Call) -> Node:
    source = call.real("self")
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
    "aten.clamp.default": _clamp,
    "aten.hardtanh.default": _hardtanh,
    "aten.leaky_relu.default": _leaky_relu,
    "aten.prelu.default": _prelu,
    "aten.relu.default": _relu,
    "aten.sigmoid.default": _sigmoid,
}
