"""What per-channel steps make of values, by the engine's float32 arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from signbit.bitformat.activations import activate
from signbit.bitformat.exact import Float32, fma
from signbit.compiler.ir import Step, constants_of

__all__ = ["MONOTONE", "evaluate", "is_monotone"]

MONOTONE = ("affine", "offset", "relu", "hardtanh", "clip", "prelu", "maxout", "hard_sigmoid")
"""Steps that never fall, or never rise, also after rounding, if their factors allow it. The others
are approximated, and their roundings promise no order, or they do both."""


def is_monotone(step: Step) -> bool:
    """Whether a step never falls, or never rises, along the values of each channel."""
    if step.op == "prelu":
        return bool((step["slope"] >= 0).all())
    if step.op == "maxout":
        below, above = step["slope"], step["positive_slope"]
        rises, falls = (below >= 0) & (above >= 0), (below <= 0) & (above <= 0)
        return bool((rises | falls).all())
    return step.op in MONOTONE


def evaluate(steps: Sequence[Step], values: Float32, channels: slice) -> Float32:
    """The engine's float32 arithmetic of steps without operands on values (channels, any)."""
    for step in steps:
        constants = [value[channels, None].astype(np.float32) for _, value in constants_of(step)]
        if step.op == "affine":
            values = fma(values, *constants)
        elif step.op == "offset":
            values = values + constants[0]
        else:
            values = activate(step.op, values, *constants)
    return values
