"""Interval arithmetic per channel, for values that float32 computes.

A sum of terms of both signs is widened by what rounding can add, and one whose terms are all of one
sign rounds to no other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from signbit.compiler.ir import FloatArray

__all__ = [
    "MOST",
    "ROUNDING",
    "Array",
    "Factor",
    "Interval",
    "exactly",
    "product",
    "square",
    "sum_of",
    "unbounded",
    "weighted_sum",
]

Array = npt.NDArray[np.float64]
Factor = FloatArray | float

MOST = float(np.finfo(np.float32).max)

ROUNDING = 2.0**-23
"""Relative error of one multiplication and addition in float32: twice what it can be."""


class Interval(NamedTuple):
    """Bounds of a value, (channels,) each; wider ones than float32 has count as its largest."""

    low: Array
    high: Array


def unbounded(channels: int) -> Interval:
    """The interval of a value of which nothing is known."""
    return Interval(np.full(channels, -MOST), np.full(channels, MOST))


def sum_of(rises: Array, falls: Array, x: Interval, terms: int) -> Interval:
    """Bounds of (rises − falls) @ x, both factors at least 0, as float32 adds so many terms.

    A sum's error is at most `share` of the sum of its terms' magnitudes. So each term is bounded
    with its error, which leaves a sum of terms of one sign on its side of 0.
    """
    share = terms * ROUNDING

    def bound(rising: Array, falling: Array, away: float) -> Array:
        above = rises @ np.maximum(rising, 0) + falls @ np.maximum(-falling, 0)
        below = rises @ np.maximum(-rising, 0) + falls @ np.maximum(falling, 0)
        return np.asarray((1 + away) * above - (1 - away) * below)

    return Interval(bound(x.low, x.high, -share), bound(x.high, x.low, share))


def weighted_sum(*terms: tuple[Factor, Interval]) -> Interval:
    """Bounds of the sum over the terms of factor · value, channel by channel."""
    channels = terms[-1][1].low.size
    factors = np.stack([np.broadcast_to(factor, channels) for factor, _ in terms], 1)[:, None]
    lows, highs = ([getattr(value, end) for _, value in terms] for end in ("low", "high"))
    values = Interval(*(np.stack(bounds, 1)[:, :, None] for bounds in (lows, highs)))
    rises, falls = np.maximum(factors, 0), np.maximum(-factors, 0)
    return Interval(*(bound.reshape(-1) for bound in sum_of(rises, falls, values, len(terms) + 1)))


def exactly(value: Array) -> Interval:
    """The interval of a constant."""
    return Interval(value, value)


def product(left: Interval, right: Interval) -> Interval:
    """Bounds of the product of two values, rounded once."""
    corners = np.stack([a * b for a in left for b in right])
    low, high = corners.min(0), corners.max(0)
    return Interval(low - ROUNDING * np.abs(low), high + ROUNDING * np.abs(high))


def square(value: Interval) -> Interval:
    """Bounds of a value times itself, rounded once."""
    ends = np.stack([bound * bound for bound in value])
    low = np.where((value.low < 0) & (value.high > 0), 0, ends.min(0))
    return Interval(low * (1 - ROUNDING), ends.max(0) * (1 + ROUNDING))
