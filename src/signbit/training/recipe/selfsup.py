"""The section `selfsup` of a recipe: what is learned from images without labels, as data."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from signbit.training.recipe.section import Number, Section, Whole, no_bool

__all__ = [
    "ContrastiveSection",
    "GuidedSection",
    "HeadSection",
    "SelfSup",
    "ViewsSection",
    "temperature_in_range",
]

# Cosines that are divided by less are too far apart to learn from, by more they are all alike.
_COLDEST, _HOTTEST = 0.001, 1000.0


def temperature_in_range(temperature: float) -> float:
    """`temperature`, if it is one that can be learned with. Raises ValueError for any other."""
    # Neither comparison holds for NaN.
    if not _COLDEST <= temperature <= _HOTTEST:
        raise ValueError(f"temperature must be in {_COLDEST:g} … {_HOTTEST:g}, got {temperature}")
    return float(temperature)


# Infinities get as far as to the range, whose message says what would be right.
_Temperature = Annotated[
    float,
    Field(allow_inf_nan=True),
    BeforeValidator(no_bool),
    AfterValidator(temperature_in_range),
]


class HeadSection(Section):
    """The two linear layers behind the features: `hidden` units, then an embedding of `out`."""

    hidden: Whole = Field(gt=0)
    out: Whole = Field(gt=0)


class ContrastiveSection(Section):
    """MoCo v2's term: `queue` keys to tell an image from, made by an encoder that follows slowly.

    `momentum` is how much of itself that encoder keeps in a step.
    """

    queue: Whole = Field(gt=0)
    momentum: Number = Field(ge=0, le=1)
    temperature: _Temperature


class GuidedSection(Section):
    """S2-BNN's term: the distribution over the embedding that a real network has is imitated.

    `teacher` is a finished run folder of `signbit pretrain`, or a .safetensors file of a MoCo v2
    checkpoint; `network` says what it has to be.
    """

    teacher: str | None = None
    network: str | None = None
    temperature: _Temperature


class ViewsSection(Section):
    """How an image becomes a view: crop, colours, gray, blur, and mirrored with probability 1/2.

    The crop covers `crop_area` … 1 of a square of `side` pixels that is stored of every training
    image (absent: of the network's input size) and is scaled to that input. The colours change by
    0.4 (brightness, contrast, saturation) and 0.1 (hue), as in MoCo v2.
    """

    crop_area: Number = Field(gt=0, le=1)
    jitter_probability: Number = Field(ge=0, le=1)
    gray_probability: Number = Field(ge=0, le=1)
    blur_probability: Number = Field(ge=0, le=1)
    side: Whole | None = Field(default=None, gt=0)


class SelfSup(Section):
    """Learning without labels: at least one of two terms; both are added where there are both.

    After every `knn_every` epochs and after the last one, the test images are classified by the
    labels of their nearest training images; that is a measure and changes no weight.
    """

    head: HeadSection
    contrastive: ContrastiveSection | None = None
    guided: GuidedSection | None = None
    views: ViewsSection
    knn_every: Whole = Field(default=1, gt=0)

    @model_validator(mode="after")
    def _something_to_learn(self) -> SelfSup:
        if self.contrastive is None and self.guided is None:
            raise ValueError("nothing to learn: give contrastive, guided, or both")
        return self
