"""The section `data.augment` of a recipe: what training does to images, as data."""

from __future__ import annotations

from pydantic import Field, model_validator

from signbit.training.recipe.section import Number, Section, Whole

__all__ = ["Augment", "ResizedCrop"]


class ResizedCrop(Section):
    """A random part of the image, scaled to the network's input, as in Inception's training.

    It covers `area` … 1 of a square of `side` pixels that is stored of every training image; its
    width is 3/4 … 4/3 of its height. Absent, `side` is twice the larger side of the input.
    """

    area: Number = Field(gt=0, lt=1)
    side: Whole | None = Field(default=None, gt=0)


class Augment(Section):
    """Training only: mirror with probability 1/2; pad with black, then cut the old size.

    `resized_crop` takes the place of padding and cutting. A square of `cutout` pixels a side, its
    centre anywhere in the image, becomes black (DeVries and Taylor 2017, "Cutout"). Brightness,
    contrast and saturation are multiplied by 1 − `colour_jitter` … 1 + `colour_jitter` each, before
    that.
    """

    flip: bool = False
    crop_padding: Whole = Field(default=0, ge=0)
    cutout: Whole = Field(default=0, ge=0, le=16_384)
    resized_crop: ResizedCrop | None = None
    colour_jitter: Number = Field(default=0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _one_way_to_crop(self) -> Augment:
        if self.resized_crop is not None and self.crop_padding:
            raise ValueError("crop_padding and resized_crop are two ways to crop; keep one")
        return self
