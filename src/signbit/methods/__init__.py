"""The methods by name. A new paper is one file here and one line in the table below.

`get` builds a `Method`; its keyword parameters are those of the file's `method` function, and
`binarize`, which every method has.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import NamedTuple

from signbit.errors import RecipeError
from signbit.methods import (
    adabin,
    bireal,
    bnn,
    combined,
    irnet,
    reactnet,
    real,
    real_to_binary,
    resnet_e,
    sdbnn,
    xnor,
)
from signbit.methods.base import Method
from signbit.methods.idle import Idle, idle_parameters

__all__ = ["Idle", "Method", "get", "idle", "names", "parameters", "register"]


class _Entry(NamedTuple):
    build: Callable[..., Method]
    idle: Sequence[Idle] = ()


_methods = {
    "adabin": _Entry(adabin.method, adabin.IDLE),
    "bireal": _Entry(bireal.method),
    "bnn": _Entry(bnn.method),
    "combined": _Entry(combined.method, combined.IDLE),
    "irnet": _Entry(irnet.method),
    "reactnet": _Entry(reactnet.method),
    "real": _Entry(real.method, real.IDLE),
    "real-to-binary": _Entry(real_to_binary.method),
    "resnet-e": _Entry(resnet_e.method),
    "sdbnn": _Entry(sdbnn.method, sdbnn.IDLE),
    "sdbnn-imagenet": _Entry(sdbnn.imagenet, sdbnn.IDLE),
    "xnor": _Entry(xnor.method, xnor.IDLE),
}


def register(name: str, build: Callable[..., Method], idle: Sequence[Idle] = ()) -> None:
    """Make `get`, and so recipes, know a method that lives outside of this package.

    build: a function whose keyword parameters, with defaults, are the method's. idle: which of them
    do nothing beside which others; recipes that give one of those are refused. Raises RecipeError
    if the name is taken.
    """
    if name in _methods:
        raise RecipeError(f"method {name!r} is already registered; choose another name")
    _methods[name] = _Entry(build, idle)


def names() -> list[str]:
    """Names that `get` knows, sorted."""
    return sorted(_methods)


def parameters(name: str) -> dict[str, object]:
    """What the method called `name` takes, with the defaults. RecipeError for an unknown name."""
    if name not in _methods:
        raise RecipeError(
            f"unknown method {name!r}; choose one of {', '.join(names())}, or --import the file "
            "that registers it"
        )
    own = inspect.signature(_methods[name].build).parameters
    return {**{key: each.default for key, each in own.items()}, "binarize": "both"}


def get(name: str, **given: object) -> Method:
    """The method called `name`, e.g. `get("sdbnn", reduction=8)`.

    Every method has the parameter binarize: "both", "activations" (32/1: weights stay real) or
    "weights" (1/32: activations stay real). Raises RecipeError for an unknown name or parameter
    (listing the choices) and a bad value.
    """
    known = parameters(name)
    for key in given:
        if key not in known:
            raise RecipeError(
                f"method {name!r} has no parameter {key!r}; choose among {', '.join(known)}"
            )
    what = given.pop("binarize", "both")
    return _methods[name].build(**given).binarizing(what)


def idle(name: str, **given: object) -> dict[str, list[str]]:
    """Those of `given` that do nothing, as the method declares: it is the same without them.

    Each with the others that take its effect, such as {"reduction": ["asd"]} where asd is False. A
    parameter that has its default's value is not one of them. Raises RecipeError as `get` does.
    """
    get(name, **given)
    defaults = parameters(name)
    others = {key: value for key, value in given.items() if value != defaults[key]}
    return idle_parameters(_methods[name].idle, others)
