"""Pictures made of scikit-learn's handwritten digits, with what stands where.

Real digits, enlarged, on a black square: small data for networks that say more than one class.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from signbit.data import open_dataset

__all__ = ["MEAN", "STD", "Canvases", "draw", "normalised"]

MEAN, STD = 0.5, 0.5
INK = 64
"""A pixel at least so bright belongs to its digit."""


class Canvases(NamedTuple):
    images: npt.NDArray[np.uint8]
    """(N, side, side, 1)"""
    masks: npt.NDArray[np.int64]
    """(N, side, side): 0 where nothing is, else the digit plus 1."""
    boxes: list[npt.NDArray[np.float32]]
    """For each image (n, 5): digit, centre x, centre y, width, height, in pixels."""


def draw(split: str, count: int, side: int, scales: tuple[int, ...], seed: int) -> Canvases:
    """`count` squares of `side` pixels with two or three digits of a split, "train" or "test".

    scales: how many times a digit's 8x8 pixels may be enlarged. Digits do not touch.
    """
    digits = open_dataset("digits", split)
    rng = np.random.default_rng(seed)
    images = np.zeros((count, side, side, 1), np.uint8)
    masks = np.zeros((count, side, side), np.int64)
    boxes = []
    for image, mask in zip(images, masks, strict=True):
        taken = np.zeros((side, side), bool)
        own: list[tuple[float, ...]] = []
        wanted = rng.integers(2, 4)
        for _ in range(20):
            number, scale = int(rng.integers(len(digits))), int(rng.choice(scales))
            size = 8 * scale
            top, left = rng.integers(0, side - size + 1, 2)
            here = slice(top, top + size), slice(left, left + size)
            if len(own) == wanted or taken[here].any():
                continue
            taken[here] = True
            picture = digits.images[number].repeat(scale, 0).repeat(scale, 1)
            digit = int(digits.labels[number])
            image[here] = picture
            mask[here][picture[:, :, 0] >= INK] = digit + 1
            own.append((digit, left + size / 2, top + size / 2, size, size))
        boxes.append(np.array(own, np.float32).reshape(-1, 5))
    return Canvases(images, masks, boxes)


def normalised(images: npt.NDArray[np.uint8]) -> Tensor:
    """What a network sees of them: (N, 1, side, side)."""
    return (torch.from_numpy(images).permute(0, 3, 1, 2) / 255 - MEAN) / STD
