"""Inception's augmentation: a random part of a larger image, scaled to the network's input."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from signbit.data.loading.seeds import derive_seed
from signbit.data.pixels.augment import Augmentation

__all__ = ["TRIES", "ResizedCrop", "windows"]

_ASPECTS = (3 / 4, 4 / 3)
TRIES = 10


class ResizedCrop:
    """A window that covers `area` … 1 of the image, scaled to `size`, then as `Augmentation`.

    size: (height, width) in pixels. The window's area and place are uniform; so is the logarithm of
    its width ÷ height, between those of 3/4 and 4/3. The first of ten draws that fits into the
    image counts; if none does, the largest square of the centre is taken (Szegedy et al. 2015,
    "Going Deeper with Convolutions", as in torchvision). Bilinear, antialiased. The result is a
    function of the arguments alone; the global generators are neither read nor moved.
    """

    def __init__(
        self,
        *,
        flip: bool,
        area: float,
        size: tuple[int, int],
        cutout: int = 0,
        colour_jitter: float = 0.0,
    ) -> None:
        self._area = area
        self._size = size
        self._then = Augmentation(
            flip=flip, crop_padding=0, cutout=cutout, colour_jitter=colour_jitter
        )

    def __call__(
        self, images: NDArray[np.uint8], seed: int, first: int = 0, total: int | None = None
    ) -> NDArray[np.uint8]:
        """uint8 (N, H, W, C) → uint8 (N, *size, C); first and total as in `Augmentation`."""
        last = first + len(images)
        total = last if total is None else total
        generator = torch.Generator().manual_seed(derive_seed(seed, "resized crop"))
        # area, aspect, x, y of every try for every image of the step
        draws = torch.rand(total, TRIES, 4, generator=generator, dtype=torch.float64)
        own = draws.numpy()[first:last]
        height, width, channels = images.shape[1:]
        result = np.empty((len(images), *self._size, channels), dtype=np.uint8)
        boxes = windows(own, self._area, height, width).tolist()
        for image, box, target in zip(images, boxes, result, strict=True):
            target[...] = self._scaled(image, tuple(box))
        return self._then(result, seed, first, total)

    def _scaled(
        self, image: NDArray[np.uint8], window: tuple[int, int, int, int]
    ) -> NDArray[np.uint8]:
        picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
        size = (self._size[1], self._size[0])
        scaled = picture.crop(window).resize(size, Image.Resampling.BILINEAR)
        return np.asarray(scaled).reshape(*self._size, -1)


def windows(draws: NDArray[np.float64], area: float, height: int, width: int) -> NDArray[np.int64]:
    """(left, top, right, bottom) of the first of each image's draws (N, TRIES, 4) that fits."""
    low, high = np.log(_ASPECTS)
    wanted = (area + (1 - area) * draws[..., 0]) * height * width
    aspects = np.exp(low + (high - low) * draws[..., 1])
    widths = np.rint(np.sqrt(wanted * aspects)).astype(np.int64)
    heights = np.rint(np.sqrt(wanted / aspects)).astype(np.int64)
    fits = (widths > 0) & (widths <= width) & (heights > 0) & (heights <= height)
    of_all = np.arange(len(draws))
    first = np.argmax(fits, axis=1)
    wides, highs = widths[of_all, first], heights[of_all, first]
    left = (draws[of_all, first, 2] * (width - wides + 1)).astype(np.int64)
    top = (draws[of_all, first, 3] * (height - highs + 1)).astype(np.int64)
    found = np.stack([left, top, left + wides, top + highs], axis=1)
    side = min(height, width)
    x, y = (width - side) // 2, (height - side) // 2
    return np.where(fits.any(axis=1, keepdims=True), found, [x, y, x + side, y + side])
