"""Images that a program has already: arrays, tensors and data sets of PyTorch's kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from signbit.data.loading.dataset import ImageDataset
from signbit.errors import DataError, InputError

__all__ = ["in_memory"]

_LEVELS = 255
_CHANNELS = (1, 3)


def in_memory(
    given: object,
    *,
    source: str = "memory",
    split: str = "train",
    class_names: Sequence[str] | None = None,
) -> ImageDataset:
    """An `ImageDataset` of images that are there already.

    given: an ImageDataset, which is returned; images and labels, arrays or tensors; or a data set
    of PyTorch's kind, whose items are an image and its label (a Pillow image, or as below). Images
    are (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 channels C: uint8, or floats 0 … 1 that
    are 8-bit pixels divided by 255; they are not normalised, as recipes do that. Labels are whole
    numbers (N,) from 0 on. class_names: default those that `given` has as a third item or as
    `classes`, or else "0", "1", … up to the largest label. Raises InputError for anything else,
    DataError where there are no images.
    """
    if isinstance(given, ImageDataset):
        return given
    if isinstance(given, tuple | list) and len(given) in (2, 3):
        images, labels = _pixels(given[0], source), _labels(given[1], source)
        if len(images) != len(labels):
            raise InputError(f"{source}: {len(images)} images and {len(labels)} labels")
        names = class_names or (given[2] if len(given) == 3 else None) or _numbers(labels)
        return ImageDataset.from_arrays(images, labels, names, source=source, split=split)
    items = hasattr(given, "__getitem__") and hasattr(given, "__len__")
    if not items or hasattr(given, "dtype"):  # an array has items, too
        raise InputError(
            f"{source}: images are an ImageDataset, (images, labels), or a data set with a length "
            f"and items (image, label), not {type(given).__name__}"
        )
    data: Any = given
    if not len(data):
        raise DataError(f"{source}: the {split} split has no images; add some")
    told = getattr(data, "targets", None)
    if told is None or getattr(data, "target_transform", None) is not None:
        told = [data[index][1] for index in range(len(data))]
    labels = _labels(told, source)
    names = class_names or getattr(data, "classes", None) or _numbers(labels)
    return ImageDataset(_Items(data, source), labels, names, source=source, split=split)


@dataclass(frozen=True)
class _Items:
    """The images of a data set whose items are an image and its label."""

    data: Any
    source: str

    def __call__(self, index: int) -> NDArray[np.uint8]:
        image = self.data[index][0]
        if hasattr(image, "convert"):  # Pillow's
            image = image.convert("L" if image.mode in ("1", "L", "I;16", "F") else "RGB")
        pixels: NDArray[np.uint8] = _pixels(np.asarray(image)[np.newaxis], self.source)[0]
        return pixels


def _numbers(labels: NDArray[np.int64]) -> list[str]:
    return [str(number) for number in range(int(labels.max(initial=0)) + 1)]


def _labels(given: object, source: str) -> NDArray[np.int64]:
    labels = np.asarray(given)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise InputError(
            f"{source}: labels are whole numbers, one for each image, not {labels.dtype} "
            f"{labels.shape}"
        )
    return labels.astype(np.int64)


def _pixels(given: object, source: str) -> NDArray[np.uint8]:
    """uint8 (N, H, W, 1 or 3)."""
    images = np.asarray(given)
    if images.ndim == 3:
        images = images[..., np.newaxis]
    first, last = (images.shape[at] in _CHANNELS if images.ndim == 4 else False for at in (1, 3))
    if first is last:
        raise InputError(
            f"{source}: images are (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 channels C, "
            f"and not both at once; these are {images.shape}"
        )
    if first:
        images = images.transpose(0, 2, 3, 1)
    if images.dtype == np.uint8:
        return np.ascontiguousarray(images)
    if images.dtype.kind == "f":
        pixels = np.rint(images.astype(np.float32) * _LEVELS)
        exact = np.abs(images * _LEVELS - pixels).max(initial=0) < 1e-2
        if exact and pixels.min(initial=0) >= 0 and pixels.max(initial=0) <= _LEVELS:
            return np.ascontiguousarray(pixels.astype(np.uint8))
    raise InputError(
        f"{source}: pixels are uint8, or floats 0 … 1 in steps of 1/255, not normalised (data.mean "
        f"and data.std of the recipe say how that is done); these are {images.dtype} from "
        f"{images.min(initial=0)} to {images.max(initial=0)}"
    )
