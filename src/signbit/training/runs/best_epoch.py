"""Which epoch of a run its network is of, and whether any is left to train: by its history alone.

Without `early_stopping` in the recipe that is the last one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from signbit.training.recipe import Recipe

__all__ = ["VALIDATION_LOSS", "is_finished", "kept_epoch"]

VALIDATION_LOSS = "validation_loss"
"""What chooses the epoch, in the history of runs that have validation images."""

History = Sequence[Mapping[str, float]]


def kept_epoch(history: History) -> int:
    """The epoch, from 1, of the least validation loss, the first of equals; else the last one."""
    losses = [entry[VALIDATION_LOSS] for entry in history if VALIDATION_LOSS in entry]
    return losses.index(min(losses)) + 1 if losses else len(history)


def is_finished(recipe: Recipe, history: History) -> bool:
    """Whether no epoch is left: all are done, or too many have brought no lesser loss."""
    if len(history) >= recipe.epochs:
        return True
    stopping = recipe.early_stopping
    return stopping is not None and len(history) - kept_epoch(history) >= stopping.patience
