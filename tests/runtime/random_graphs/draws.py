"""Random numbers for random graphs, from one seeded generator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from signbit.bitformat import pack_bits
from signbit.bitformat.graph import Pair

Array = npt.NDArray[Any]
T = TypeVar("T")


class Draws:
    """Everything that is random about a graph comes from here."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def integer(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def happens(self, chance: float) -> bool:
        return bool(self.rng.random() < chance)

    def flag(self) -> bool:
        return self.happens(0.5)

    def choose(self, choices: Sequence[T]) -> T:
        return choices[self.integer(0, len(choices) - 1)]

    def pair(self, low: int, high: int) -> Pair:
        return self.integer(low, high), self.integer(low, high)

    def floats(self, *shape: int, size: float = 1.0) -> Array:
        """Random float32 about `size`; on a coarse grid (with both zeros) half of the time."""
        values = self.rng.standard_normal(shape)
        if self.flag():
            values = np.round(values * 2) / 4
        return (values * size).astype(np.float32)

    def packed(self, filters: int, taps: int) -> Array:
        """Filters of signs, few or many of them negative, or all."""
        return pack_bits(self.rng.random((filters, taps)) < self.choose((0.5, 0.1, 1)))
