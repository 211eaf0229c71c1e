"""Views of images, as contrastive learning compares them: cropped, coloured, blurred, mirrored.

Every image draws for itself, on the CPU; the pixels of the whole batch are changed on the device.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from signbit.data.loading.seeds import derive_seed
from signbit.data.pixels import colour
from signbit.data.pixels.resample import blurring, mixed, scaling
from signbit.data.pixels.resized_crop import TRIES, windows

__all__ = ["Views", "to_device"]

_JITTER = (0.4, 0.4, 0.4, 0.1)  # brightness, contrast, saturation, hue
_SIGMAS = (0.1, 2.0)
_COLOURS = (colour.brightness, colour.contrast, colour.saturation, colour.hue)
# What one image draws: its window, then one number each for what `_drawn` unpacks.
_NUMBERS = TRIES * 4 + 13


@dataclass(frozen=True)
class Views:
    """MoCo v2's views (Chen, Fan, Girshick, He 2020), scaled to `size` = (height, width).

    First a window of `crop_area` … 1 of the image (see `ResizedCrop`) is scaled. With
    `jitter_probability` its brightness, contrast and saturation are multiplied by 0.6 … 1.4 and its
    hue is turned by up to ± 0.1 of the circle, in a random order. With `gray_probability` only the
    luma stays. With `blur_probability` it is blurred, σ = 0.1 … 2 pixels. With probability 1/2 it
    is mirrored. Images of one channel have no saturation and no hue.
    """

    crop_area: float
    jitter_probability: float
    gray_probability: float
    blur_probability: float
    size: tuple[int, int]

    def __call__(
        self, images: Tensor, seed: int, view: int, first: int = 0, total: int | None = None
    ) -> Tensor:
        """View number `view` of uint8 (N, H, W, C) on any device → real (N, C, *size) in 0 … 1.

        They are the images from `first` on of a step of `total` (default: first + N), drawn for as
        when one process has the whole step. A function of the arguments alone; the global
        generators are neither read nor moved. Of torch's default type.
        """
        last = first + len(images)
        total = last if total is None else total
        generator = torch.Generator().manual_seed(derive_seed(seed, "view", view))
        draws = torch.rand(total, _NUMBERS, generator=generator, dtype=torch.float64)
        height, width = images.shape[1:3]
        drawn = self._drawn(draws.numpy()[first:last], height, width)
        numbers, chosen = drawn.on(images.device)
        left, top, right, bottom, mirrored, grayed, sigmas, *factors = numbers.unbind(1)

        pixels = images.permute(0, 3, 1, 2).to(numbers.dtype) / 255
        columns = scaling(left, right - left, width, self.size[1])
        # Nothing that follows prefers a side, so this is where mirroring costs nothing.
        columns = torch.where(mirrored[:, None, None] > 0, columns.flip(1), columns)
        pixels = mixed(pixels, scaling(top, bottom - top, height, self.size[0]), columns)
        colours = len(_COLOURS) if images.shape[3] > 1 else 2
        for step, which in enumerate(chosen):
            kind = step % len(_COLOURS)
            if kind < colours and len(which):
                changed = _COLOURS[kind](pixels[which], factors[kind][which])
                pixels.index_copy_(0, which, changed)
        if images.shape[3] > 1 and self.gray_probability:
            pixels = torch.where(grayed[:, None, None, None] > 0, colour.gray(pixels), pixels)
        if self.blur_probability:
            pixels = mixed(pixels, *(blurring(sigmas, side) for side in self.size))
        return pixels

    def _drawn(self, draws: NDArray[np.float64], height: int, width: int) -> _Drawn:
        """What each of the images (N, _NUMBERS) has drawn."""
        boxes = windows(draws[:, : TRIES * 4].reshape(-1, TRIES, 4), self.crop_area, height, width)
        mirrored, jittered, grayed, blurred, spread, *rest = draws[:, TRIES * 4 :].T
        low, high = _SIGMAS
        sigmas = np.where(blurred < self.blur_probability, low + (high - low) * spread, 0)
        factors = [
            middle + limit * (2 * each - 1)
            for middle, limit, each in zip((1, 1, 1, 0), _JITTER, rest[:4], strict=True)
        ]
        # The order of the four: their ranks are a uniform permutation.
        order = np.argsort(np.stack(rest[4:], 1), axis=1)
        jitter = jittered < self.jitter_probability
        return _Drawn(
            np.stack(
                [*boxes.T, mirrored < 0.5, grayed < self.gray_probability, sigmas, *factors], 1
            ),
            [
                np.flatnonzero(jitter & (order[:, place] == kind))
                for place in range(len(_COLOURS))
                for kind in range(len(_COLOURS))
            ],
        )


@dataclass(frozen=True)
class _Drawn:
    """`numbers` (N, 11) of each image, and for each step of the colours the images it changes.

    The step of place p in the order and kind k is number 4·p + k.
    """

    numbers: NDArray[np.float64]
    chosen: list[NDArray[np.int64]]

    def on(self, device: torch.device) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Both there, in one transfer each; sizes are known here, so nothing waits for it."""
        numbers = torch.from_numpy(self.numbers).to(torch.get_default_dtype())
        indices = to_device(torch.from_numpy(np.concatenate(self.chosen)), device)
        sizes = [len(which) for which in self.chosen]
        return to_device(numbers, device), torch.split(indices, sizes)


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """`values` there, without waiting for what the device has to do before."""
    if device.type != "cuda":
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)
