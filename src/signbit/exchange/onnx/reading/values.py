"""What a value of an ONNX graph is while it is read: known, real, or of few levels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from signbit.exchange.onnx.reading.file import Array

__all__ = ["Choice", "Const", "Levels", "Pixels", "Real", "Unknown", "Value", "by_dim", "scalar"]


@dataclass(frozen=True, eq=False)
class Const:
    """A value that depends on no image."""

    array: Array
    latent: Array | None = None
    """The reals whose signs, times a scale, the array holds, where the file has them."""
    moved: tuple[Const, Array] | None = None
    """Of a sum: signs times a scale, and what is added to each filter of them, (filters,)."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array."""
        return self.array.shape


@dataclass(frozen=True, eq=False)
class Real:
    """What a node of the new graph yields."""

    name: str
    shape: tuple[int, ...]
    """The images' dimension first, as large as the file says, or 1."""


@dataclass(frozen=True, eq=False)
class Pixels:
    """What a value is at each pixel, where it is a function of one alone."""

    table: Array
    """float32 (256) for all channels in one row, or in a row each"""
    moves: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """How the image was reshaped and permuted before; then there is one row."""


@dataclass(frozen=True, eq=False)
class Choice:
    """One of two numbers for each channel, or for all, by the sign of a value."""

    source: str
    """Name of the value."""
    below: Array
    """float32 (1,) or (channels,), where the value is below 0"""
    above: Array


@dataclass(frozen=True, eq=False)
class Levels:
    """scale · (offset + Σ weights[i] · sign(source − thresholds[i])), the sign of 0 being +1.

    Every quantiser of few bits, every comparison and every pattern that makes a sign is one of
    these. Weights that are all equal are 1.
    """

    source: Real
    thresholds: Array
    """float32 (k, 1), or (k, channels) by `axis`"""
    weights: tuple[float, ...]
    offset: float
    scale: float
    axis: int = 1

    @classmethod
    def of(
        cls,
        source: Real,
        thresholds: Array,
        weights: tuple[float, ...],
        offset: float,
        scale: float = 1.0,
        axis: int = 1,
    ) -> Levels:
        """The same value, equal weights as 1, thresholds of infinity as finite ones."""
        most = np.finfo(np.float32).max
        limits = np.clip(np.asarray(thresholds, np.float32), -most, most)
        first = weights[0]
        if len({*weights}) == 1:
            weights, offset, scale = (1.0,) * len(weights), offset / first, scale * first
        return cls(source, limits, weights, offset, scale, axis)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the source."""
        return self.source.shape

    @property
    def is_sign(self) -> bool:
        """Whether it is −scale and +scale."""
        return len(self.weights) == 1 and self.offset == 0

    @property
    def rises(self) -> bool:
        """Whether a larger source never gives a smaller value."""
        return self.scale > 0 and min(self.weights) > 0

    def affine(self, factor: float, shift: float) -> Levels:
        """factor · itself + shift; factor is not 0."""
        scale = self.scale * factor
        return replace(self, scale=scale, offset=self.offset + shift / scale)

    def two(self) -> tuple[float, float] | None:
        """Its values below the threshold and from it on, if it has one threshold."""
        if len(self.weights) != 1:
            return None
        low, high = (self.scale * (self.offset + sign * self.weights[0]) for sign in (-1, 1))
        return low, high

    def each(self, count: int) -> Array:
        """The thresholds, (k, count)."""
        return np.broadcast_to(self.thresholds, (len(self.weights), count))


class Unknown:
    """What a refused node yields; who reads it is not refused again."""


Value = Const | Real | Levels | Unknown


def scalar(array: Array) -> Any:
    """The one number of an array, or None where there are several."""
    return array.reshape(-1)[0].item() if array.size == 1 else None


def by_dim(array: Array, shape: tuple[int, ...], dim: int) -> Array | None:
    """The numbers of an array that has one for each place of a value's dimension, or one for all.

    (1,) or (size,); None where there are others, so that a sum or product would have another shape.
    """
    sizes = (*(1,) * (len(shape) - array.ndim), *array.shape)
    if len(sizes) > len(shape) or array.size != sizes[dim] or sizes[dim] not in (1, shape[dim]):
        return None
    flat = array.reshape(-1)
    return flat[:1] if (flat == flat[:1]).all() else flat
