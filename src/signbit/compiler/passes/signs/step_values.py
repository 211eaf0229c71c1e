"""What per-channel steps make of values, by the engine's float32 arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from signbit.bitformat.exact import Float32, fma, sigmoid
from signbit.compiler.ir import Node

__all__ = ["evaluate", "is_monotone"]


def is_monotone(step: Node) -> bool:
    """Whether a step never falls, or never rises, along the values of each channel."""
    if step.activation == "sigmoid":
        return False
    if step.slope is None:
        return True
    below, above = step.slope, step.positive_slope
    if above is None:
        return bool((below >= 0).all())
    rises, falls = (below >= 0) & (above >= 0), (below <= 0) & (above <= 0)
    return bool((rises | falls).all())


def evaluate(steps: Sequence[Node], values: Float32, channels: slice) -> Float32:
    """The engine's float32 arithmetic of the steps on values of shape (channels, any)."""
    for step in steps:
        if step.scale is not None:
            assert step.shift is not None
            values = fma(values, step.scale[channels, None], step.shift[channels, None])
        if step.activation == "relu":
            values = np.where(values < 0, np.float32(0), values)
        elif step.activation == "hardtanh":
            values = np.clip(values, np.float32(-1), np.float32(1))
        elif step.slope is not None:  # prelu and maxout
            slope = step.slope[channels, None].astype(np.float32)
            above = np.ones_like(slope)
            if step.positive_slope is not None:
                above = step.positive_slope[channels, None].astype(np.float32)
            with np.errstate(over="ignore", invalid="ignore"):
                values = np.where(values < 0, values * slope, values * above)
        elif step.activation == "sigmoid":
            values = sigmoid(values)
    return values
