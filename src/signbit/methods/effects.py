"""Whether a method's parameters do anything: what is built with one is held against what is built
without. So a method declares nothing, and one from outside is looked at like the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType

import torch
from torch import Tensor, nn

from signbit.errors import RecipeError
from signbit.methods.base import Method

__all__ = ["idle_parameters"]

Build = Callable[..., Method]

_CHANNELS = 512


def idle_parameters(build: Build, given: Mapping[str, object]) -> dict[str, list[str]]:
    """Those of `given` without which `build` makes the same method.

    Each with the others of `given` that take its effect, that is, without which it would have one.
    Raises what `build(**given)` raises.
    """
    idle: dict[str, list[str]] = {}
    for key in given:
        if not _does_something(build, given, key):
            others = {other: _without(given, other) for other in given if other != key}
            idle[key] = [
                other for other, rest in others.items() if _does_something(build, rest, key)
            ]
    return idle


def _without(given: Mapping[str, object], key: str) -> dict[str, object]:
    return {name: value for name, value in given.items() if name != key}


def _does_something(build: Build, given: Mapping[str, object], key: str) -> bool:
    """Whether `key` matters to the others of `given`; not where `given` is no method at all."""
    whole, less = _parts(build, given), _parts(build, _without(given, key))
    return whole is not None and not _same(whole, less)


def _parts(build: Build, given: Mapping[str, object]) -> list[object] | None:
    """All that networks and training take from a method, made once, from the same random state.

    None where the parameters do not go together.
    """
    try:
        method = build(**given)
    except RecipeError:
        return None
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.manual_seed(0)
        model = nn.ModuleList(
            [
                nn.Conv2d(3, _CHANNELS, 1),
                method.stem_nonlinearity(_CHANNELS),
                method.conv2d(_CHANNELS, 2, 1),
                method.nonlinearity(_CHANNELS),
                method.linear(_CHANNELS, 2),
            ]
        )
        method.initialise(model)
    return [type(method), model, method.latent_limit, method.order]


def _same(left: object, right: object) -> bool:
    """Whether two things are built alike, down to their numbers; in doubt they are not."""
    if left is right:
        return True
    if type(left) is not type(right):
        return False
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        return torch.equal(left, right)
    if isinstance(left, FunctionType) and isinstance(right, FunctionType):
        return left.__code__ is right.__code__ and _same(_bound(left), _bound(right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(_same, left, right))
    if hasattr(left, "__dict__"):
        return _same(vars(left), vars(right))
    return (left == right) is True


def _bound(function: FunctionType) -> list[object]:
    """What a function carries beside its code."""
    cells = function.__closure__ or ()
    return [function.__defaults__, function.__kwdefaults__, *(cell.cell_contents for cell in cells)]
