"""A teacher's answers to all that a student will see, each computed once.

Where images are at most mirrored there are two of each, so that from the third epoch on a frozen
teacher would say again what it has said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import blake2b

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.inputs import normalized
from signbit.data.pixels.augment import Augmentation
from signbit.data.pixels.preprocessing import Preprocessing
from signbit.data.pixels.resized_crop import ResizedCrop

__all__ = ["WORTHWHILE", "few_images", "remembered"]

Answers = Callable[[Tensor], Tensor]
"""Normalised images (N, C, H, W), in channels-last memory -> logits (N, classes)."""

WORTHWHILE = 3
"""In so many epochs a teacher sees more images than there are with their mirror images."""

_BATCH = 500


def few_images(augmentation: Augmentation | ResizedCrop, images: ImageDataset) -> bool:
    """Whether training sees each image as it is and at most mirrored, from memory."""
    return (
        isinstance(augmentation, Augmentation)
        and not augmentation.crop_padding
        and not augmentation.cutout
        and not augmentation.colour_jitter
        and images.workers == 0
    )


def remembered(
    teacher: Answers, images: ImageDataset, preprocessing: Preprocessing, *, mirrored: bool
) -> Answers:
    """The teacher's answers to `images` (and mirrored), computed now in batches of their order.

    Images that are none of these it answers itself. The images have the network's size.
    """
    mean, std = (torch.tensor(each).numpy() for each in (preprocessing.mean, preprocessing.std))
    rows: dict[bytes, int] = {}
    answers: list[Tensor] = []
    count = 0
    for batch in _batches(images.images, mirrored=mirrored):
        pixels = torch.from_numpy(normalized(batch, mean, std)).permute(0, 3, 1, 2)
        rows |= {key: count + index for index, key in enumerate(_keys(pixels))}
        count += len(batch)
        answers.append(teacher(pixels))
    known = torch.cat(answers)

    def answer(pixels: Tensor) -> Tensor:
        found = [rows.get(key, -1) for key in _keys(pixels)]
        return teacher(pixels) if -1 in found else known[found]

    return answer


def _batches(images: NDArray[np.uint8], *, mirrored: bool) -> Iterator[NDArray[np.uint8]]:
    for first in range(0, len(images), _BATCH):
        part = np.asarray(images[first : first + _BATCH])
        yield part
        if mirrored:
            yield np.ascontiguousarray(part[:, :, ::-1])


def _keys(pixels: Tensor) -> list[bytes]:
    lines = np.ascontiguousarray(pixels.permute(0, 2, 3, 1).numpy())
    return [blake2b(image, digest_size=16).digest() for image in lines]
