"""Scaling that looks at the nearest pixels alone, in the engine's arithmetic: 22 bits a weight.

`native/src/images/resample.cpp` has the same; with antialiasing both are what Pillow does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["scaled_aliased"]

_BITS = 22


def scaled_aliased(
    pixels: NDArray[np.uint8],
    size: tuple[int, int],
    cut: tuple[int, int, int, int],
    interpolation: str,
) -> NDArray[np.uint8]:
    """The part `cut` of pixels (H, W) or (H, W, C) scaled to `size` = (width, height).

    interpolation: bilinear or bicubic. cut: left, top, right and bottom. Columns are scaled first,
    and rounded before the rows are.
    """
    left, top, right, bottom = cut
    columns = _along(pixels.swapaxes(0, 1), size[0], left, right, interpolation)
    return _along(columns.swapaxes(0, 1), size[1], top, bottom, interpolation)


def _along(
    pixels: NDArray[np.uint8], to: int, first: int, last: int, interpolation: str
) -> NDArray[np.uint8]:
    """Pixels [first, last) of the first axis, as scaled to `to`."""
    reach = 2 if interpolation == "bicubic" else 1
    scale = len(pixels) / to
    centres = (np.arange(first, last) + 0.5) * scale
    begins = np.maximum((centres - reach + 0.5).astype(np.int64), 0)
    ends = np.minimum((centres + reach + 0.5).astype(np.int64), len(pixels))
    places = begins[:, None] + np.arange(2 * reach + 1)
    distances = np.abs(places - centres[:, None] + 0.5)
    weights = _bicubic(distances) if reach == 2 else np.maximum(1 - distances, 0)
    weights[places >= ends[:, None]] = 0
    total = np.zeros(len(weights))
    for tap in weights.T:  # one after the other
        total += tap
    weights = weights / np.where(total == 0, 1, total)[:, None] * (1 << _BITS)
    fixed = np.trunc(weights + np.where(weights < 0, -0.5, 0.5)).astype(np.int64)
    wide: NDArray[Any] = pixels.reshape(len(pixels), -1).astype(np.int64)
    sums = np.full((last - first, wide.shape[1]), 1 << (_BITS - 1), np.int64)
    for tap, place in zip(fixed.T, places.T, strict=True):
        sums += tap[:, None] * wide[np.minimum(place, len(pixels) - 1)]
    scaled: NDArray[np.uint8] = np.clip(sums >> _BITS, 0, 255).astype(np.uint8)
    return scaled.reshape(last - first, *pixels.shape[1:])


def _bicubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' curve with a = -0.5, of distances of 0 or more."""
    near = (1.5 * x - 2.5) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * -0.5
    return np.where(x < 1, near, np.where(x < 2, far, 0))
