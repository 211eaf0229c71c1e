"""The methods by name. A new paper is one file here and one line in the table below.

`get` builds a `Method`; its keyword parameters are those of the file's `method` function.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable

from signbit.errors import RecipeError
from signbit.methods import bireal, bnn, sdbnn
from signbit.methods.base import Method

__all__ = ["Method", "get", "names"]

_methods: dict[str, Callable[..., Method]] = {
    "bireal": bireal.method,
    "bnn": bnn.method,
    "sdbnn": sdbnn.method,
}


def names() -> list[str]:
    """Names that `get` knows, sorted."""
    return sorted(_methods)


def get(name: str, **parameters: object) -> Method:
    """The method called `name`, e.g. `get("sdbnn", reduction=8)`.

    Raises RecipeError for an unknown name or parameter (listing the choices) and a bad value.
    """
    if name not in _methods:
        raise RecipeError(f"unknown method {name!r}; choose one of {', '.join(names())}")
    build = _methods[name]
    known = list(inspect.signature(build).parameters)
    for key in parameters:
        if key not in known:
            choices = f"choose among {', '.join(known)}" if known else "it has none"
            raise RecipeError(f"method {name!r} has no parameter {key!r}; {choices}")
    return build(**parameters)
