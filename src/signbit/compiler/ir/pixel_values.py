"""What a value has of each pixel, where it is a table of pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signbit.bitformat.int16_stem import MAX_PIXEL

__all__ = ["MOST_PIECES", "PixelValues"]

MOST_PIECES = 16
"""Along which a table may rise otherwise than elsewhere, where steps add up to it."""


@dataclass(frozen=True)
class PixelValues:
    """Whole numbers (channels, 256), and the pieces along which they rise otherwise."""

    values: npt.NDArray[np.float64]
    pieces: int

    @property
    def least(self) -> npt.NDArray[np.float64]:
        """Per channel, what a table of 0 to 255 lacks; 0 where it lacks nothing."""
        low, high = self.values.min(axis=1), self.values.max(axis=1)
        return np.where((low >= 0) & (high <= MAX_PIXEL), 0.0, low)

    @property
    def fits(self) -> bool:
        """Whether the values are at most 255 apart."""
        return bool((self.values.max(axis=1) - self.least <= MAX_PIXEL).all())
