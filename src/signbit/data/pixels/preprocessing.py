"""What happens to an image before a network sees it: size, then normalisation.

A run folder records it, the compiler folds it into the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.say import Say
from signbit.data.loading.storage import stored
from signbit.data.pixels.images import Interpolation

__all__ = ["Preprocessing"]


@dataclass(frozen=True)
class Preprocessing:
    """Resize the shorter side, cut `input_size` = (H, W, C) from the centre, (x/255 − mean)/std.

    `mean` and `std` have one value per channel, in units of 0 … 1.
    """

    input_size: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resize_shorter_side: int
    interpolation: Interpolation = "bilinear"

    def fit(
        self, dataset: ImageDataset, *, workers: int | None = None, say: Say | None = None
    ) -> ImageDataset:
        """`dataset` with every image at the input size; pixels stay uint8.

        `workers` and where the pixels then are: see `signbit.data.loading.storage.stored`.
        """
        size, shorter, filter_ = self.input_size, self.resize_shorter_side, self.interpolation
        return stored(dataset, size, shorter, filter_, workers=workers, say=say)

    def to_json(self) -> dict[str, Any]:
        """Itself as plain JSON values; `from_json` reads them back."""
        return {
            "input_size": list(self.input_size),
            "mean": list(self.mean),
            "std": list(self.std),
            "resize_shorter_side": self.resize_shorter_side,
            "interpolation": self.interpolation,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Preprocessing:
        """The inverse of `to_json`. Raises KeyError, TypeError or ValueError on other values."""
        height, width, channels = (int(side) for side in values["input_size"])
        return cls(
            input_size=(height, width, channels),
            mean=tuple(float(value) for value in values["mean"]),
            std=tuple(float(value) for value in values["std"]),
            resize_shorter_side=int(values["resize_shorter_side"]),
            interpolation=values["interpolation"],
        )
