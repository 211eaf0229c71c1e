"""What every source turns into: images in order, integer labels, class names.

Encoded images are decoded when they are asked for, so that opening a large folder is cheap.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from signbit.data.class_names import class_name
from signbit.data.loading.fingerprint import combined
from signbit.data.loading.readers import HOW_TO_SKIP, Chosen, Decoded, Fitted, Read
from signbit.data.pixels.decoding import decoded
from signbit.data.pixels.images import Resize
from signbit.data.sources.unlabelled import UNLABELLED, no_labels
from signbit.errors import DataError
from signbit.words import counted

__all__ = ["ImageDataset"]


class ImageDataset:
    """N labelled images of one split.

    `read(i)` gives image i as uint8 (H, W, 1 or 3); sizes may differ between images. `labels` are
    int64 (N,) in 0 … len(class_names) − 1; names are in the form of
    `signbit.data.class_names.class_name`. Raises DataError on no images or a label out of range.

    `fingerprint` changes when the images may have changed; None where nothing tells, or where they
    are decoded already. `workers` is how many processes decode the images whenever they are
    trained on; with 0 they are decoded once, into `images`. Processes are sent `read`, so it must
    be picklable then: a function or an object of a class at the top of a module.
    """

    def __init__(
        self,
        read: Read,
        labels: ArrayLike,
        class_names: Sequence[str],
        *,
        source: str,
        split: str,
        fingerprint: str | None = None,
        workers: int = 0,
    ) -> None:
        self.read = read
        self.labels: NDArray[np.int64] = np.array(labels, dtype=np.int64)
        self.class_names = tuple(map(class_name, class_names))
        self.source = source
        self.split = split
        self.fingerprint = fingerprint
        self.workers = workers
        if len(self.labels) == 0:
            raise DataError(f"{source}: the {split} split has no images; add some")
        lowest, highest = int(self.labels.min()), int(self.labels.max())
        if lowest < 0 or highest >= len(self.class_names):
            raise DataError(
                f"{source}: labels of the {split} split run from {lowest} to {highest}, "
                f"and there is room for {counted(len(self.class_names), 'class', 'classes')} (0 to "
                f"{len(self.class_names) - 1}); correct the labels, or name all classes"
            )

    @classmethod
    def from_arrays(
        cls,
        images: NDArray[np.uint8],
        labels: ArrayLike,
        class_names: Sequence[str],
        *,
        source: str,
        split: str,
    ) -> ImageDataset:
        """A data set of decoded images, uint8 (N, H, W, C)."""
        dataset = cls(Decoded(images), labels, class_names, source=source, split=split)
        dataset.images = images
        return dataset

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def images(self) -> NDArray[np.uint8]:
        """All images, decoded once: uint8 (N, H, W, C). DataError where their sizes differ."""
        first = self.read(0)
        images = np.empty((len(self), *first.shape), dtype=np.uint8)
        for index in range(len(self)):
            image = self.read(index)
            if image.shape != first.shape:
                raise DataError(
                    f"{self.source}: image {index} of the {self.split} split is {image.shape}, "
                    f"image 0 is {first.shape} (height, width, channels); fit them to one size"
                )
            images[index] = image
        return images

    def reader(
        self,
        input_size: tuple[int, int, int],
        resize: Resize,
        cure: str = HOW_TO_SKIP,
    ) -> Read:
        """`read`, with every image at `input_size` (H, W, C); `cure` is the end of its errors."""
        return Fitted(self.read, input_size, resize, cure)

    def fitted(self, input_size: tuple[int, int, int], resize: Resize) -> ImageDataset:
        """The same data set with every image at `input_size` (H, W, C), decoded into memory."""
        read = self.reader(input_size, resize)
        images = np.empty((len(self), *input_size), dtype=np.uint8)
        for index, image in enumerate(decoded(read, len(self))):
            images[index] = image
        return self.from_arrays(
            images, self.labels, self.class_names, source=self.source, split=self.split
        )

    def without_labels(self) -> ImageDataset:
        """The same images, all of them of one class, "unlabelled"."""
        return ImageDataset(
            self.read,
            no_labels(len(self)),
            UNLABELLED,
            source=self.source,
            split=self.split,
            fingerprint=self.fingerprint,
        )

    def take(self, indices: NDArray[np.integer]) -> ImageDataset:
        """The images at `indices`, in that order."""
        chosen = np.asarray(indices, dtype=np.int64)
        return ImageDataset(
            Chosen(self.read, chosen),
            self.labels[chosen],
            self.class_names,
            source=self.source,
            split=self.split,
            fingerprint=self.fingerprint and combined(self.fingerprint, chosen.tolist()),
        )
