"""Networks as recipes name them, and how many classes a stored state of one tells apart.

While `signbit.training.fit` trains a program's own network, its name means that one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

import torch
from torch import Tensor, nn

from signbit import methods, models
from signbit.binarizing import binarize
from signbit.errors import RecipeError
from signbit.methods import Method
from signbit.models.graph import GraphNetwork
from signbit.nn.binarizers import RealWeight
from signbit.training.recipe import Recipe
from signbit.training.recipe.sections import MethodRecipe
from signbit.training.runs.state_dicts import load_state

__all__ = [
    "build_network",
    "classes_of",
    "classifier_names",
    "has_real_weights",
    "is_known",
    "is_of",
    "make_method",
    "network_of",
    "own_network",
]

Build = Callable[[Method], nn.Module]
_own: ContextVar[tuple[str, Build] | None] = ContextVar("own network", default=None)


@contextmanager
def own_network(name: str, build: Build) -> Iterator[None]:
    """Meanwhile `name` is the network that `build` gives for a method, in this thread."""
    token = _own.set((name, build))
    try:
        yield
    finally:
        _own.reset(token)


def is_known(network: str) -> bool:
    """Whether `build_network` knows the name."""
    own = _own.get()
    return network in models.names() or (own is not None and own[0] == network)


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
    """A new network, by its name, or a program's own. Raises RecipeError on an unknown one."""
    own = _own.get()
    if own is not None and own[0] == network:
        with torch.device("cpu"):  # it has weights already, whatever new networks have
            return own[1](method)
    return models.build(network, method, classes=classes, channels=channels)


def network_of(
    recipe: Recipe,
    method: Method,
    *,
    classes: int,
    channels: int,
    weights: Mapping[str, Tensor] | None = None,
    check: bool = False,
) -> nn.Module:
    """A new network as the recipe has it, of its layers or made binary.

    weights: the real network's, which one that is made binary takes over; what they lack begins
    anew. check: whether one that is made binary is compiled on trial. Raises RecipeError where
    there is nothing to make binary, and what `build_network` and `binarize` raise.
    """
    if recipe.graph is not None and recipe.binarize is None:
        return GraphNetwork(recipe.graph.input_size, recipe.graph.nodes)
    if recipe.binarize is None:
        return build_network(recipe.network, method, classes=classes, channels=channels)
    if method.name == "real" or not models.is_real(recipe.network):
        raise RecipeError(
            f"binarize: is for a real-valued network and a binary method, and {recipe.network} "
            f"with {method.name} is not that; leave binarize out, or change network or method"
        )
    real = build_network(recipe.network, methods.get("real"), classes=classes, channels=channels)
    if weights is not None:
        lacking = [name for name in real.state_dict() if name not in weights]
        load_state(real, weights, f"start {recipe.start}", optional=lacking)
    return binarize(
        real,
        method,
        recipe.binarize.keep,
        input_size=(*real.input_size, channels),  # type: ignore[misc]
        shortcuts=recipe.binarize.shortcuts,
        check=check,
    )


def is_of(real: nn.Module, state: Mapping[str, Tensor]) -> bool:
    """Whether the state has the names and shapes of the network's own."""
    shapes = [
        {name: value.shape for name, value in each.items() if not name.endswith("_tracked")}
        for each in (real.state_dict(), state)
    ]
    return shapes[0] == shapes[1]


def classes_of(
    state: Mapping[str, Tensor], network: str, method: Method, *, channels: int
) -> int | None:
    """How many classes `state` of the network tells apart, or None where it is of another one."""
    for name, (two, three) in _shapes(network, method, channels).items():
        for axis, (fewer, more) in enumerate(zip(two, three, strict=True)):
            if fewer != more and name in state and state[name].dim() == len(two):
                stored: int = state[name].shape[axis]
                return stored - (int(fewer) - 2)
    return None


def classifier_names(network: str, method: Method, *, channels: int) -> list[str]:
    """The tensors of the network's state whose shapes depend on the number of classes."""
    shapes = _shapes(network, method, channels)
    return [name for name, (two, three) in shapes.items() if two != three]


def _shapes(
    network: str, method: Method, channels: int
) -> dict[str, tuple[torch.Size, torch.Size]]:
    """The shape of each tensor of the network's state, for two classes and for three."""
    with torch.device("meta"):
        two, three = (
            build_network(network, method, classes=classes, channels=channels).state_dict()
            for classes in (2, 3)
        )
    return {name: (value.shape, three[name].shape) for name, value in two.items()}
