"""Checks of the parameters that methods take from recipes. All raise RecipeError."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TypeVar

from signbit.errors import RecipeError

__all__ = ["pick", "require_ede_range", "require_flags", "require_whole"]

T = TypeVar("T")


def pick(method: str, name: str, value: object, choices: Mapping[str, T]) -> T:
    """The choice of that name."""
    if not isinstance(value, str) or value not in choices:
        raise RecipeError(f"{method}: unknown {name} {value!r}; choose one of {', '.join(choices)}")
    return choices[value]


def require_whole(method: str, name: str, value: object) -> None:
    """An integer of at least 1."""
    if type(value) is not int or value < 1:
        raise RecipeError(f"{method}: {name} must be an integer >= 1, got {value!r}")


def require_flags(method: str, flags: Mapping[str, object]) -> None:
    """True or false each."""
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise RecipeError(f"{method}: {name} must be true or false, got {value!r}")


def require_ede_range(method: str, t_min: object, t_max: object) -> None:
    """0 < t_min <= t_max, both finite numbers."""
    ends: Iterable[tuple[str, object]] = (("t_min", t_min), ("t_max", t_max))
    for name, value in ends:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 < value < math.inf:  # type: ignore[operator]
            raise RecipeError(f"{method}: {name} must be a number > 0, got {value!r}")
    if t_min > t_max:  # type: ignore[operator]
        raise RecipeError(f"{method}: t_min must not exceed t_max, got {t_min} and {t_max}")
