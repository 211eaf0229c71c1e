"""What an activation makes of the bounds of a value.

Bounds hold for what PyTorch computes and for what the engine does; each may round otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from signbit.compiler.checks.interval_arithmetic import ROUNDING, Interval, unbounded
from signbit.compiler.ir import Step

__all__ = ["activated"]


_HUGE = 1e36


def activated(step: Step, value: Interval) -> Interval:
    """Bounds behind an activation; none where nothing is known of it."""
    rule = _RULES.get(step.op)
    return unbounded(value.low.size) if rule is None else rule(step, value)


def _relu(step: Step, value: Interval) -> Interval:
    return Interval(*(np.maximum(bound, 0) for bound in value))


def _hardtanh(step: Step, value: Interval) -> Interval:
    return Interval(*(np.clip(bound, -1, 1) for bound in value))


def _clip(step: Step, value: Interval) -> Interval:
    return Interval(*(np.clip(bound, step["low"], step["high"]) for bound in value))


def _sigmoid(step: Step, value: Interval) -> Interval:
    return Interval(np.zeros_like(value.low), np.ones_like(value.high))


def _hard_sigmoid(step: Step, value: Interval) -> Interval:
    low, high = ((np.clip(bound, -3, 3) + 3) / 6 for bound in value)
    return Interval(np.maximum(low - ROUNDING, 0), np.minimum(high + ROUNDING, 1))


def _tanh(step: Step, value: Interval) -> Interval:
    """Between −1 and 1, no further from 0 than the value, and on its side of it."""
    low, high = (bound * (1 + 4 * ROUNDING) for bound in value)
    low = np.where(low > 0, 0, np.maximum(low, -1))
    high = np.where(high < 0, 0, np.minimum(high, 1))
    return Interval(low, high)


def _slopes(step: Step, value: Interval) -> Interval:
    """prelu and maxout: one slope for each side of 0."""
    above: Any = 1.0 if step.op == "prelu" else step["positive_slope"]
    ends = np.stack([np.where(bound < 0, bound * step["slope"], bound * above) for bound in value])
    # Between them lies 0, where the slope changes.
    ends = np.concatenate([ends, np.where((value.low < 0) & (value.high > 0), 0, ends[:1])])
    return Interval(ends.min(0), ends.max(0))


def _dips_to(least: float) -> Callable[[Step, Interval], Interval]:
    """The interval of x · f(x), f in 0 … 1, whose minimum `least` is a little too low.

    Of numbers close to float32's largest, f is not as small as it should be.
    """

    def rule(step: Step, value: Interval) -> Interval:
        low, high = (bound * (1 + 4 * ROUNDING) for bound in value)
        low = np.where(low < -_HUGE, low, np.maximum(low, least))
        return Interval(np.where(value.low >= 0, 0, low), np.maximum(high, 0))

    return rule


_RULES: Mapping[str, Callable[[Step, Interval], Interval]] = {
    "relu": _relu,
    "hardtanh": _hardtanh,
    "clip": _clip,
    "prelu": _slopes,
    "maxout": _slopes,
    "sigmoid": _sigmoid,
    "hard_sigmoid": _hard_sigmoid,
    "hardswish": _dips_to(-0.3751),
    "silu": _dips_to(-0.2785),
    "gelu": _dips_to(-0.1701),
    "tanh": _tanh,
}
