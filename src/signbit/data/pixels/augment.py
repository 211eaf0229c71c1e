"""Augmentation of pixels: mirror and padded crop of a uint8 batch, some bytes moved and no more.

docs/decisions/0016-augmentation.md says why it is not kornia's.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

__all__ = ["Augmentation"]


class Augmentation:
    """Mirror with probability 1/2, then pad with black and cut a random window of the old size.

    Every image draws for itself: one of two sides, and one of (2·crop_padding + 1)² windows, all
    equally likely. The result is a function of the arguments alone; the global generators are
    neither read nor moved, so any thread may augment.
    """

    def __init__(self, *, flip: bool, crop_padding: int) -> None:
        self.flip = flip
        self.crop_padding = crop_padding

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
        return images


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
