"""How image i of a data set is got out of another's: calls that a worker process can be sent.

Worker processes share no memory with the process that trains, so what they read by is pickled:
objects of classes at the top of a module, no closures. A source's own is in the source's file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from signbit.data.pixels.images import Resize, fit
from signbit.errors import DataError

__all__ = ["HOW_TO_SKIP", "Chosen", "Decoded", "Fitted", "Read", "name_of"]

HOW_TO_SKIP = (
    "; to go on without such images: data.unreadable=skip in a recipe, --unreadable skip in other "
    "commands"
)
"""The end of an error about an image that cannot be decoded."""

Read = Callable[[int], NDArray[np.uint8]]
"""Index → the image, uint8 (H, W, 1 or 3). Raises DataError where it cannot be decoded."""


@dataclass(frozen=True)
class Decoded:
    """Images that are decoded already, uint8 (N, H, W, C)."""

    images: NDArray[np.uint8]

    def __call__(self, index: int) -> NDArray[np.uint8]:
        image: NDArray[np.uint8] = self.images[index]
        return image


@dataclass(frozen=True)
class Chosen:
    """The images of `read` whose indices are `indices`, int64 (N,), in that order."""

    read: Read
    indices: NDArray[np.int64]

    def __call__(self, index: int) -> NDArray[np.uint8]:
        return self.read(int(self.indices[index]))


@dataclass(frozen=True)
class Fitted:
    """The images of `read` at `input_size` (H, W, C), by the rule of `pixels.images.fit`.

    Raises what `read` does, and adds `cure` to it.
    """

    read: Read
    input_size: tuple[int, int, int]
    resize: Resize
    cure: str = HOW_TO_SKIP

    def __call__(self, index: int) -> NDArray[np.uint8]:
        try:
            image = self.read(index)
        except DataError as error:
            raise DataError(f"{error}{self.cure}") from error
        is_scaled = self.resize.shorter_side == min(self.input_size[:2])
        if is_scaled and image.shape == self.input_size and self.resize.colours == "rgb":
            return image
        return fit(image, self.input_size, self.resize)


def name_of(read: Read, index: int) -> str | int:
    """The file that image `index` is in; of one that has no file of its own its number there."""
    if isinstance(read, Chosen):
        return name_of(read.read, int(read.indices[index]))
    name = getattr(read, "name", None)
    return index if name is None else str(name(index))
