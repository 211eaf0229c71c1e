"""Keys of a recipe that do nothing to its method: refused before a run begins.

What shows without building it is refused where recipes are read (recipe.py, sections.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch

from signbit import methods
from signbit.errors import RecipeError
from signbit.training.networks import has_real_weights, make_method, network_of
from signbit.training.optimizer import make_optimizer
from signbit.training.recipe import Recipe
from signbit.training.recipe.sections import Bop, MethodRecipe

__all__ = ["require_effect"]


class _Value(NamedTuple):
    """A key of one run, and why it does nothing there; no reason where it does something."""

    key: str
    value: object
    reason: str


def require_effect(runs: Sequence[Recipe]) -> None:
    """Refuse what does nothing in `runs`, the stages of one recipe, and what they cannot build.

    A value that several stages have in common has to do something in one of them. Raises
    RecipeError that says which key, why, and what would be right; also what methods, networks and
    optimisers raise.
    """
    for run in runs:
        with torch.device("meta"):  # shapes alone
            method, channels = make_method(run.method), len(run.data.mean)
            model = network_of(run, method, classes=2, channels=channels)
            make_optimizer(run.optimizer, model)
    found = [value for run in runs for value in _values(run)]
    effective = {(each.key, each.value) for each in found if not each.reason}
    for each in found:
        if (each.key, each.value) not in effective:
            raise RecipeError(f"{each.key}={each.value!r} does nothing {each.reason}")


def _values(run: Recipe) -> Iterator[_Value]:
    """The keys of the run's method and of its teacher's method."""
    yield from _parameters("method", run.method)
    if run.method.latent_limit is not None:
        reason = ""
        if has_real_weights(make_method(run.method)):
            reason = "where weights stay real; leave it out"
        elif isinstance(run.optimizer, Bop):
            reason = "beside Bop, whose weights are -1 and +1; leave it out"
        yield _Value("method.latent_limit", run.method.latent_limit, reason)
    if run.teacher is not None and run.teacher.method is not None:
        yield from _parameters("teacher.method", run.teacher.method)
        if run.teacher.method.latent_limit is not None:
            reason = "to a teacher, which does not train; leave it out"
            yield _Value("teacher.method.latent_limit", run.teacher.method.latent_limit, reason)


def _parameters(where: str, section: MethodRecipe) -> Iterator[_Value]:
    idle = methods.idle(section.name, **section.params)
    for key, value in section.params.items():
        reason = ""
        if key in idle:
            others = " and ".join(f"{other}={section.params[other]!r}" for other in idle[key])
            if others:
                reason = f"where {others}; leave one or the other out"
            else:
                reason = f"to the method {section.name!r}; leave it out"
        yield _Value(f"{where}.params.{key}", value, reason)
