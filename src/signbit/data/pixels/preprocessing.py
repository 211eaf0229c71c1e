"""What happens to an image before a network sees it: size, then normalisation.

A run folder records it, the compiler folds it into the file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from signbit.bitformat.schema import plain_resize, read_resize
from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.say import Say
from signbit.data.loading.storage import stored
from signbit.data.pixels.images import Resize

__all__ = ["Preprocessing"]


@dataclass(frozen=True)
class Preprocessing:
    """By `resize` to `input_size` = (H, W, C), then (x/255 − mean)/std.

    `mean` and `std` have one value per channel, in units of 0 … 1.
    """

    input_size: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resize: Resize

    def fit(
        self, dataset: ImageDataset, *, workers: int | None = None, say: Say | None = None
    ) -> ImageDataset:
        """`dataset` with every image at the input size; pixels stay uint8.

        `workers` and where the pixels then are: see `signbit.data.loading.storage.stored`.
        """
        return stored(dataset, self.input_size, self.resize, workers=workers, say=say)

    @property
    def square(self) -> int:
        """The side of a square that a photograph is cut to before a part of it becomes an input."""
        return self.resize.shorter_side or max(self.resize.both_sides or self.input_size[:2])

    def as_square(self, side: int) -> Preprocessing:
        """The same for squares of this side, cut out of the middle."""
        size = (side, side, self.input_size[2])
        resize = replace(self.resize, shorter_side=side, both_sides=None, letterbox=None)
        return replace(self, input_size=size, resize=resize)

    def to_json(self) -> dict[str, Any]:
        """Itself as plain JSON values; `from_json` reads them back."""
        return {
            "input_size": list(self.input_size),
            "mean": list(self.mean),
            "std": list(self.std),
            "resize": plain_resize(self.resize),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Preprocessing:
        """The inverse of `to_json`. Raises KeyError, TypeError or ValueError on other values.

        Runs from before other rules have a shorter side and an interpolation alone.
        """
        earlier = {"resize_shorter_side": "shorter_side", "interpolation": "interpolation"}
        resize = {new: values[old] for old, new in earlier.items() if old in values}
        height, width, channels = (int(side) for side in values["input_size"])
        return cls(
            input_size=(height, width, channels),
            mean=tuple(float(value) for value in values["mean"]),
            std=tuple(float(value) for value in values["std"]),
            resize=read_resize(values.get("resize", resize), "resize"),
        )
