"""Where a recipe's images and weights are, so that its run finds them from any working folder."""

from __future__ import annotations

from pathlib import Path

from signbit.data.sources.any_source import absolute_source
from signbit.hub import is_hub
from signbit.training.recipe import Recipe

__all__ = ["PLACES", "with_absolute_places"]

PLACES = ("data.source", "start", "teacher.checkpoint", "selfsup.guided.teacher")
"""The keys that name files or folders."""


def with_absolute_places(recipe: Recipe) -> Recipe:
    """The recipe with every path of it made absolute by the working folder."""
    changes: dict[str, object] = {
        "data": recipe.data.model_copy(update={"source": absolute_source(recipe.data.source)}),
        "start": recipe.start if is_hub(recipe.start) else _absolute(recipe.start),
    }
    if recipe.teacher is not None:
        place = _absolute(recipe.teacher.checkpoint)
        changes["teacher"] = recipe.teacher.model_copy(update={"checkpoint": place})
    if recipe.selfsup is not None and recipe.selfsup.guided is not None:
        guided = recipe.selfsup.guided
        guided = guided.model_copy(update={"teacher": _absolute(guided.teacher)})
        changes["selfsup"] = recipe.selfsup.model_copy(update={"guided": guided})
    return recipe.model_copy(update=changes)


def _absolute(path: str | None) -> str | None:
    return None if path is None else str(Path(path).expanduser().absolute())
