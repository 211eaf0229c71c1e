"""Colour jitter of a uint8 batch: each image brighter or darker, with more or less contrast."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from signbit.data.loading.seeds import derive_seed

__all__ = ["jittered"]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R 601


def jittered(
    images: NDArray[np.uint8], amount: float, seed: int, first: int, total: int
) -> NDArray[np.uint8]:
    """uint8 (N, H, W, C) with brightness, contrast and saturation changed, in this order.

    Each image draws a factor of 1 − amount … 1 + amount for each of the three, amount in 0 … 1, as
    the images from `first` on of a step of `total`. The formulas are those of Pillow's
    ImageEnhance; gray images have no saturation. A function of the arguments alone.
    """
    generator = torch.Generator().manual_seed(derive_seed(seed, "colour jitter"))
    draws = torch.rand(total, 3, generator=generator).numpy()[first : first + len(images)]
    factors = 1 + np.float32(amount) * (2 * draws - 1)
    brightness, contrast, saturation = factors.T[..., None, None, None]
    pixels = np.clip(images * brightness, 0, 255)
    mean = _luma(pixels).mean((1, 2, 3), keepdims=True)
    pixels = np.clip(mean + contrast * (pixels - mean), 0, 255)
    gray = _luma(pixels)
    pixels = np.clip(gray + saturation * (pixels - gray), 0, 255)
    result: NDArray[np.uint8] = np.rint(pixels).astype(np.uint8)
    return result


def _luma(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, H, W, 1) of (N, H, W, 1 or 3)."""
    return pixels if pixels.shape[3] == 1 else (pixels @ _LUMA)[..., None]
