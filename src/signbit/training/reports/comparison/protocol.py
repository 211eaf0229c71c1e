"""Which recipe a comparison takes by itself, and what is said where one does not fit the images."""

from __future__ import annotations

from typing import cast

import torch

from signbit.data.sources.any_source import open_dataset
from signbit.training.images import resize_of
from signbit.training.networks import make_method, network_of
from signbit.training.recipe import Recipe

__all__ = ["fitting_protocol", "misfit"]

_SMALL, _COLOUR = "comparison-digits", "comparison-cifar10"
# Images of up to so many pixels a side keep what they show on the small network's 8×8.
_SMALL_SIDE = 16
# How many times images may be scaled down, or up, before that is worth a word.
_DOWN, _UP = 4, 2


def fitting_protocol(source: str | None) -> str:
    """The recipe for the images of `source`, by the first of them: small gray ones, or others.

    None: the recipe's own source, which it fits. Raises DataError where the source has no images.
    """
    if source is None:
        return _COLOUR
    height, width, channels = open_dataset(source, "train").read(0).shape
    return _SMALL if channels == 1 and max(height, width) <= _SMALL_SIDE else _COLOUR


def misfit(recipe: Recipe) -> str | None:
    """What the network of `recipe` does not see of its images, by the first one; None: all is well.

    Raises DataError where there are no images, RecipeError for a network that is not there.
    """
    height, width, channels = open_dataset(recipe.data.source, "train").read(0).shape
    with torch.device("meta"):
        method = make_method(recipe.method)
        model = network_of(recipe, method, classes=2, channels=len(recipe.data.mean))
    size = recipe.data.input_size or cast("tuple[int, int]", model.input_size)
    resize = resize_of(recipe.data, size)
    scale = min(height, width) / (resize.shorter_side or min(resize.both_sides or size))
    found = []
    if scale > _DOWN or scale < 1 / _UP:
        found.append(f"{'down' if scale > 1 else 'up'} from {height}×{width}")
    if channels > len(recipe.data.mean):
        found.append("without colours")
    if not found:
        return None
    return f"{recipe.network} sees them at {size[0]}×{size[1]}, {' and '.join(found)}"
