"""Pydantic's findings about a recipe as lines a person can act on: where, what, what instead."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from signbit.training.recipe import Recipe, sections, selfsup

__all__ = ["explain"]

_OPTIMIZERS: dict[str, type[BaseModel]] = {
    "sgd": sections.Sgd,
    "adam": sections.Adam,
    "bop": sections.Bop,
}
_REST = {name: model for name, model in _OPTIMIZERS.items() if name != "bop"}
# A union that is told apart by a name or a form adds it to the location; nobody wrote it.
_TAGS = {*_OPTIMIZERS, "by name", "by steps"}
_MODELS: dict[tuple[str | int, ...], type[BaseModel]] = {
    (): Recipe,
    ("method",): sections.MethodRecipe,
    ("data",): sections.DataRecipe,
    ("data", "augment"): sections.Augment,
    ("data", "augment", "resized_crop"): sections.ResizedCrop,
    ("schedule", "by steps"): sections.Steps,
    ("teacher",): sections.Teacher,
    ("teacher", "method"): sections.MethodRecipe,
    ("selfsup",): selfsup.SelfSup,
    ("selfsup", "head"): selfsup.HeadSection,
    ("selfsup", "contrastive"): selfsup.ContrastiveSection,
    ("selfsup", "guided"): selfsup.GuidedSection,
    ("selfsup", "views"): selfsup.ViewsSection,
    **{("optimizer", name): model for name, model in _OPTIMIZERS.items()},
    **{("optimizer", "bop", "rest", name): model for name, model in _REST.items()},
}


def explain(detail: Any) -> str:
    """One pydantic error as "where: what, what would be right"."""
    location = _written(detail["loc"])
    where = ".".join(location) or "recipe"
    if detail["type"] == "extra_forbidden":
        return _unknown_key(detail["loc"], where)
    if detail["type"] == "missing":
        return f"{where} is missing"
    if detail["type"] in ("union_tag_not_found", "union_tag_invalid"):
        choices = ", ".join(_REST if location[-1] == "rest" else _OPTIMIZERS)
        if detail["type"] == "union_tag_not_found":
            return f"{where}.name is missing; use one of: {choices}"
        return f"{where}.name={detail['ctx']['tag']!r} is unknown; use one of: {choices}"
    if detail["type"] in ("model_type", "model_attributes_type"):
        return f"{where}={detail['input']!r}: has keys of its own; set {where}.KEY=VALUE"
    if detail["type"] == "tuple_type":
        return f"{where}={detail['input']!r}: must be a list, such as [0.5]"
    message = detail["msg"].removeprefix("Value error, ")
    if isinstance(detail["input"], (Mapping, BaseModel)):
        return f"{where}: {message}"
    return f"{where}={detail['input']!r}: {message[0].lower()}{message[1:]}"


def _unknown_key(location: tuple[str | int, ...], where: str) -> str:
    last = str(location[-1])
    elsewhere = [dotted for dotted in _all_keys() if dotted.split(".")[-1] == last]
    if elsewhere and where not in elsewhere:
        return f"unknown key {where}; did you mean {' or '.join(elsewhere)}?"
    choices = list(_MODELS[location[:-1]].model_fields)
    close = difflib.get_close_matches(last, choices, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(choices)}"
    return f"unknown key {where}; {hint}"


def _written(location: tuple[str | int, ...]) -> list[str]:
    return [str(part) for part in location if part not in _TAGS]


def _all_keys() -> list[str]:
    """Every key as a person writes it, such as optimizer.lr; Bop's rest has the same once more."""
    keys = {
        ".".join([*_written(at), field]): None
        for at, model in _MODELS.items()
        if "rest" not in at
        for field in model.model_fields
    }
    return list(keys)
