"""Augmentation of pixels: mirror, padded crop, colour jitter and cutout of a uint8 batch.

docs/decisions/0016-augmentation.md says why it is not kornia's.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from signbit.data.pixels.jitter import jittered

__all__ = ["Augmentation"]


class Augmentation:
    """Mirror with probability 1/2, then pad with black and cut a random window of the old size.

    Every image draws for itself: one of two sides, and one of (2·crop_padding + 1)² windows, all
    equally likely. Then its colours change by `colour_jitter` (`jittered`), and a black square of
    `cutout` pixels a side is laid on it, its centre at a random pixel; what of it lies outside is
    lost (DeVries and Taylor 2017). The result is a function of the arguments alone; the global
    generators are neither read nor moved, so any thread may augment.
    """

    def __init__(
        self, *, flip: bool, crop_padding: int, cutout: int = 0, colour_jitter: float = 0.0
    ) -> None:
        self.flip = flip
        self.crop_padding = crop_padding
        self.cutout = cutout
        self.colour_jitter = colour_jitter

    def __call__(
        self, images: NDArray[np.uint8], seed: int, first: int = 0, total: int | None = None
    ) -> NDArray[np.uint8]:
        """`images` and the result are uint8 (N, H, W, C), the result is contiguous.

        They are those from `first` on of a step of `total` (default: first + N), and are augmented
        as when one process has the whole step: every draw is made for the step.
        """
        last = first + len(images)
        total = last if total is None else total
        generator = torch.Generator().manual_seed(seed)
        if self.flip:
            chosen = torch.rand(total, generator=generator).numpy()[first:last] < 0.5
            images = images.copy()
            images[chosen] = images[chosen, :, ::-1]
        if self.crop_padding:
            corners = torch.randint(
                2 * self.crop_padding + 1, (2, total), generator=generator
            ).numpy()[:, first:last]
            images = _windows(images, self.crop_padding, corners[0], corners[1])
        if self.colour_jitter:
            images = jittered(images, self.colour_jitter, seed, first, total)
        if self.cutout:
            row, column = (
                torch.randint(side, (total,), generator=generator).numpy()[first:last]
                for side in images.shape[1:3]
            )
            images = _without_squares(images, self.cutout, row, column)
        return images


def _without_squares(
    images: NDArray[np.uint8], side: int, row: NDArray[np.int64], column: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Each image with the black square whose centre is at (row, column)."""
    height, width = images.shape[1:3]
    down = np.arange(height) - (row - side // 2)[:, None]
    across = np.arange(width) - (column - side // 2)[:, None]
    black = _inside(down, side)[:, :, None] & _inside(across, side)[:, None, :]
    return np.where(black[..., None], np.uint8(0), images)


def _inside(places: NDArray[np.int64], side: int) -> NDArray[np.bool_]:
    return (places >= 0) & (places < side)


def _windows(
    images: NDArray[np.uint8], padding: int, top: NDArray[np.int64], left: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """The window of each black-padded image whose first pixel is at (top, left)."""
    count, height, width, channels = images.shape
    padded = np.zeros((count, height + 2 * padding, width + 2 * padding, channels), dtype=np.uint8)
    padded[:, padding : padding + height, padding : padding + width] = images
    # All windows as one view (image, top, left, row, bytes of a row): picking one of each image
    # copies whole rows.
    image, row, pixel, value = padded.strides
    places = 2 * padding + 1
    windows = as_strided(
        padded,
        (count, places, places, height, width * channels),
        (image, row, pixel, row, value),
        writeable=False,
    )
    return windows[np.arange(count), top, left].reshape(images.shape)
