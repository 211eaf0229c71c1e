"""Networks as recipes name them, and how many classes a stored state of one tells apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from signbit import methods, models
from signbit.methods import Method
from signbit.nn.binarizers import RealWeight
from signbit.training.recipe.sections import MethodRecipe

__all__ = ["build_network", "classes_of", "has_real_weights", "make_method"]


def make_method(section: MethodRecipe) -> Method:
    """The method that a recipe names; a limit does not reach weights that stay real.

    Raises RecipeError on unknown names and parameters.
    """
    method = methods.get(section.name, **section.params)
    if section.latent_limit is None or has_real_weights(method):
        return method
    return replace(method, latent_limit=section.latent_limit or None)


def has_real_weights(method: Method) -> bool:
    """Whether the method leaves weights as they are, so that none of them is latent."""
    return isinstance(method.weight_binarizer(1), RealWeight)


def build_network(network: str, method: Method, *, classes: int, channels: int) -> nn.Module:
    """A new network, by its name. Raises RecipeError on an unknown one."""
    return models.build(network, method, classes=classes, channels=channels)


def classes_of(
    state: Mapping[str, Tensor], network: str, method: Method, *, channels: int
) -> int | None:
    """How many classes `state` of the network tells apart, or None where it is of another one."""
    with torch.device("meta"):
        two, three = (
            build_network(network, method, classes=classes, channels=channels).state_dict()
            for classes in (2, 3)
        )
    for name, value in two.items():
        for axis, (fewer, more) in enumerate(zip(value.shape, three[name].shape, strict=True)):
            if fewer != more and name in state and state[name].dim() == value.dim():
                stored: int = state[name].shape[axis]
                return stored - (int(fewer) - 2)
    return None
