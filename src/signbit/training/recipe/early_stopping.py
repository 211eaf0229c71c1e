"""The section `early_stopping` of a recipe: which epoch is kept, when training ends, as data."""

from __future__ import annotations

from pydantic import Field

from signbit.training.recipe.section import Number, Section, Whole

__all__ = ["EarlyStopping"]


class EarlyStopping(Section):
    """The epoch of the least loss on validation images is kept, and none is trained in vain.

    Validation images are the source's own; where it has none, the share `held_out` of each class's
    training images, drawn by the recipe's seed. Training ends after `patience` epochs in a row
    without a lesser loss. Test images choose nothing.
    """

    held_out: Number = Field(gt=0, lt=1)
    patience: Whole = Field(gt=0)
