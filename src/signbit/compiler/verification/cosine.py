"""How alike two sets of outputs are, image by image."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["cosines", "median"]


def cosines(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> list[float]:
    """The cosine of each image's two vectors, both (N, width): −1 … 1, computed in float64.

    Two vectors of zeros are alike (1); one of zeros is like no other (0).
    """
    first, second = one.astype(np.float64), other.astype(np.float64)
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    products = (first * second).sum(1)
    both_zero = ~first.any(1) & ~second.any(1)
    safe = np.where(lengths > 0, lengths, 1.0)
    values: list[float] = np.where(both_zero, 1.0, products / safe).clip(-1, 1).tolist()
    return values


def median(values: list[float]) -> float | None:
    """None of no values."""
    return float(np.median(values)) if values else None
