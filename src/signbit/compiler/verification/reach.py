"""How far rounding can move a value: how large its terms can be, and how often they are rounded.

A sum of n products in float32, in any order, is within γ_n·Σ|w·x| of the exact one, where
γ_n = n·u / (1 − n·u) and u = 2⁻²⁴ is the unit roundoff (Higham, "Accuracy and Stability of
Numerical Algorithms", 2nd ed. 2002, section 3.1). Engine and PyTorch are each that close to it, so
they are within 2·γ_n·Σ|w·x| of each other: where PyTorch's value is closer than that to 0, its sign
may be the other one in the engine, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signbit.compiler.ir import Step

__all__ = ["STEP_ROUNDINGS", "Reach", "through"]

Array = npt.NDArray[np.float64]

_UNIT_ROUNDOFF = 2.0**-24

_MOST = float(np.finfo(np.float32).max)

STEP_ROUNDINGS = 8
"""The most roundings in one step: a batch-norm's two constants take PyTorch five operations,
its product and sum two, and the file's constants are rounded once more."""


_STEEPEST = {
    "sigmoid": (0.25, 1),
    "hard_sigmoid": (1 / 6, 1),
    "tanh": (1, 0),
    "hardswish": (1.5, 0),
    "silu": (1.1, 0),
    "gelu": (1.13, 0),
}
"""Activation → by how much it rises or falls at most, and the rounded constant that it adds."""


_UNKNOWN = 2**23
"""So many roundings make the margin more than `largest`: no sign is certain."""


@dataclass(frozen=True)
class Reach:
    """How large a value of the file may be, and how often it was rounded, for each channel."""

    largest: Array
    """(channels,) what the magnitudes of its terms can add up to"""
    roundings: int
    """On the way of a term, at most; 0 where the value is exact."""

    @property
    def margin(self) -> Array:
        """2·γ_n·largest: how far the engine's value can be from PyTorch's; (channels,)."""
        error = min(self.roundings, _UNKNOWN) * _UNIT_ROUNDOFF
        return 2 * error / (1 - error) * self.largest

    @classmethod
    def unknown(cls, channels: int) -> Reach:
        """The reach of a value of which neither size nor errors are known."""
        return cls(np.full(channels, _MOST), _UNKNOWN)

    def uncertain(self) -> Reach:
        """The reach of a value of this size with unknown errors: no sign of it is certain."""
        return Reach(self.largest, _UNKNOWN)

    def plus(self, other: Reach) -> Reach:
        """The reach of the sum of both."""
        return Reach(self.largest + other.largest, max(self.roundings, other.roundings))

    def times(self, other: Reach) -> Reach:
        """The reach of the product of both, whose relative errors add up."""
        product = Reach(self.largest, self.roundings + other.roundings)
        return product.scaled(other.largest)

    def scaled(self, factor: npt.ArrayLike, shift: npt.ArrayLike = 0) -> Reach:
        """The reach of factor·value + shift."""
        largest = np.abs(factor) * self.largest + np.abs(shift)
        return Reach(largest, self.roundings + STEP_ROUNDINGS)

    def activated(self, activation: str, *constants: npt.ArrayLike) -> Reach:
        """The reach of an activation of the value, with the constants of its step."""
        if activation in ("relu", "hardtanh"):
            return self
        if activation in _STEEPEST:
            return self.scaled(*_STEEPEST[activation])
        arrays = [np.asarray(constant, np.float64) for constant in constants]
        if activation == "clip":
            # A clip moves no value away from 0, but up to a positive `low`, down to a negative
            # `high`.
            low, high = arrays
            return Reach(np.maximum.reduce([self.largest, low, -high]), self.roundings)
        if activation in ("prelu", "maxout"):
            above = arrays[1] if activation == "maxout" else np.ones(1)
            return self.scaled(np.maximum(np.abs(arrays[0]), np.abs(above)))
        return Reach.unknown(len(self.largest))


def through(reach: Reach, steps: tuple[Step, ...]) -> Reach:
    """The reach after steps that a threshold has taken over."""
    for step in steps:
        if step.op == "affine":
            reach = reach.scaled(step["scale"], step["shift"])
        elif step.op == "offset":
            reach = reach.scaled(1, step["value"])
        else:
            reach = reach.activated(step.op, *(step[key.name] for key in step.rule.keys))
    return reach
