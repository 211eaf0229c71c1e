"""The methods by name. A new paper is one file here and one line in the table below.

`get` builds a `Method`; its keyword parameters are those of the file's `method` function, and
`binarize`, which every method has.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable

from signbit.errors import RecipeError
from signbit.methods import adabin, bireal, bnn, irnet, reactnet, real, sdbnn, xnor
from signbit.methods.base import Method

__all__ = ["Method", "get", "names", "register"]

_methods: dict[str, Callable[..., Method]] = {
    "adabin": adabin.method,
    "bireal": bireal.method,
    "bnn": bnn.method,
    "irnet": irnet.method,
    "reactnet": reactnet.method,
    "real": real.method,
    "sdbnn": sdbnn.method,
    "sdbnn-imagenet": sdbnn.imagenet,
    "xnor": xnor.method,
}


def register(name: str, build: Callable[..., Method]) -> None:
    """Make `get`, and so recipes, know a method that lives outside of this package.

    build: a function whose keyword parameters, with defaults, are the method's. Raises RecipeError
    if the name is taken.
    """
    if name in _methods:
        raise RecipeError(f"method {name!r} is already registered; choose another name")
    _methods[name] = build


def names() -> list[str]:
    """Names that `get` knows, sorted."""
    return sorted(_methods)


def get(name: str, **parameters: object) -> Method:
    """The method called `name`, e.g. `get("sdbnn", reduction=8)`.

    Every method has the parameter binarize: "both", "activations" (32/1: weights stay real) or
    "weights" (1/32: activations stay real). Raises RecipeError for an unknown name or parameter
    (listing the choices) and a bad value.
    """
    if name not in _methods:
        raise RecipeError(f"unknown method {name!r}; choose one of {', '.join(names())}")
    build = _methods[name]
    known = [*inspect.signature(build).parameters, "binarize"]
    for key in parameters:
        if key not in known:
            raise RecipeError(
                f"method {name!r} has no parameter {key!r}; choose among {', '.join(known)}"
            )
    what = parameters.pop("binarize", "both")
    return build(**parameters).binarizing(what)
