"""Values held between constants, one pair per channel: what PyTorch calls clamp, clip, min or max.

A side without a bound has float32's largest number there. relu and hardtanh are such clips too, and
have steps of their own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from signbit.compiler.ir import FloatArray, Node
from signbit.compiler.mapping.arithmetic import per_channel, same_size
from signbit.compiler.mapping.over_channels import is_length, longer
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS"]

_MOST = float(np.finfo(np.float32).max)


def _clamp(call: Call) -> Node:
    return _clipped(call, "self", call.arguments["min"], call.arguments["max"])


def _clamp_min(call: Call) -> Node:
    return _clipped(call, "self", call.arguments["min"], None)


def _clamp_max(call: Call) -> Node:
    return _clipped(call, "self", None, call.arguments["max"])


def _hardtanh(call: Call) -> Node:
    return _clipped(call, "self", call.arguments["min_val"], call.arguments["max_val"])


def _relu6(call: Call) -> Node:
    return _clipped(call, "self", 0, 6)


def _threshold(call: Call) -> Node:
    at, below = call.arguments["threshold"], call.arguments["value"]
    if at != below:
        raise call.refuse(
            f"yields {below} up to {at}, and jumps there",
            f"the engine knows the one that does not: value={at}",
        )
    return _clipped(call, "self", at, None)


def _maximum(call: Call) -> Node:
    name, bound = _value_and_bound(call, "larger")
    return _clipped(call, name, bound, None)


def _minimum(call: Call) -> Node:
    name, bound = _value_and_bound(call, "smaller")
    return _clipped(call, name, None, bound)


def _value_and_bound(call: Call, which: str) -> tuple[str, Any]:
    for name, other in (("self", "other"), ("other", "self")):
        if call.is_constant(other):
            return name, call.arguments[other]
    raise call.refuse(
        f"takes the {which} of two values that depend on the image",
        "the engine knows that of a "
        "value and a constant per channel, and max_pool2d, which takes the larger of neighbours",
    )


def _clipped(call: Call, name: str, least: Any, most: Any) -> Node:
    """The argument `name` between bounds: numbers, constants per channel, or None."""
    if is_length(call, name) and most is None and least is not None:
        return longer(call, name, call.constant_of("its bound", least))
    source = same_size(call, name)
    low, high = (_bound(call, source, bound, far) for bound, far in ((least, -1), (most, 1)))
    if (low == -_MOST).all() and (high == _MOST).all():
        return source
    if (low == 0).all() and (high == _MOST).all():
        return call.step("relu", source)
    if (low == -1).all() and (high == 1).all():
        return call.step("hardtanh", source)
    # Where the bounds are the wrong way round, PyTorch yields the upper one.
    return call.step("clip", source, low=np.minimum(low, high), high=high)


def _bound(call: Call, source: Node, bound: Any, far: int) -> FloatArray:
    """One per channel; float32's largest number, of the sign `far`, where there is none."""
    if bound is None:
        values = np.array(far * _MOST)
    elif isinstance(bound, int | float):
        values = np.array(bound, np.float64)
        if np.isnan(values):
            raise call.refuse("has a bound that is NaN")
    else:
        values = call.constant_of("its bound", bound)
    return per_channel(call, values.clip(-_MOST, _MOST), source.shape)


MAPPINGS = {
    "aten.clamp.default": _clamp,
    "aten.clamp.Tensor": _clamp,
    "aten.clip.default": _clamp,
    "aten.clip.Tensor": _clamp,
    "aten.clamp_max.default": _clamp_max,
    "aten.clamp_max.Tensor": _clamp_max,
    "aten.clamp_min.default": _clamp_min,
    "aten.clamp_min.Tensor": _clamp_min,
    "aten.hardtanh.default": _hardtanh,
    "aten.max.other": _maximum,
    "aten.maximum.default": _maximum,
    "aten.min.other": _minimum,
    "aten.minimum.default": _minimum,
    "aten.relu6.default": _relu6,
    "aten.threshold.default": _threshold,
}
