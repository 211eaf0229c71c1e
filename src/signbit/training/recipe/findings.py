"""Pydantic's findings about a recipe as lines a person can act on: where, what, what instead."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from signbit.training.recipe import Recipe, augment, early_stopping, sections, selfsup

__all__ = ["explained"]

_OPTIMIZERS: dict[str, type[BaseModel]] = {
    "sgd": sections.Sgd,
    "adam": sections.Adam,
    "bop": sections.Bop,
}
_REST = {name: model for name, model in _OPTIMIZERS.items() if name != "bop"}
# A union that is told apart by a name or a form adds it to the location; nobody wrote it.
_TAGS = {*_OPTIMIZERS, "by name", "by steps", "with a warm-up"}
_MODELS: dict[tuple[str | int, ...], type[BaseModel]] = {
    (): Recipe,
    ("method",): sections.MethodRecipe,
    ("data",): sections.DataRecipe,
    ("data", "augment"): augment.Augment,
    ("data", "augment", "resized_crop"): augment.ResizedCrop,
    ("schedule", "by steps"): sections.Steps,
    ("schedule", "with a warm-up"): sections.WarmUp,
    ("early_stopping",): early_stopping.EarlyStopping,
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


_PARAMS = ("method", "params")
_WORDS = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "string_type": "must be text, in quotes where it could be something else",
}


def explained(details: Iterable[Any]) -> list[str]:
    """Pydantic's errors, each as "where: what, what would be right", none of them twice.

    A list that has too few items since some are wrong is not told of, and of a value that may be of
    several kinds it is told once that it is of none.
    """
    all_details = list(details)
    places = [tuple(detail["loc"]) for detail in all_details]
    lines = []
    for detail, place in zip(all_details, places, strict=True):
        inside = any(other[: len(place)] == place != other for other in places)
        if detail["type"] not in ("too_short", "too_long") or not inside:
            lines.append(_explain(detail))
    return [*dict.fromkeys(lines)]


def _explain(detail: Any) -> str:
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
    if detail["loc"][:2] == _PARAMS and len(detail["loc"]) == 4:
        where = where.rpartition(".")[0]
        return f"{where}={detail['input']!r}: must be a number, text, true or false"
    if detail["type"] == "dict_type":
        return f"{where}={detail['input']!r}: must be keys with values, such as {{KEY: VALUE}}"
    if detail["type"] == "tuple_type":
        example = "[{epochs: 30}, {epochs: 10}]" if where == "stages" else "[0.5]"
        return f"{where}={detail['input']!r}: must be a list, such as {example}"
    if detail["type"] in ("too_short", "too_long"):
        least, most = (detail["ctx"].get(f"{end}_length") for end in ("min", "max"))
        count = f"{least} or more" if most is None else f"{most} or fewer"
        return f"{where}={detail['input']!r}: must have {count} items, has {len(detail['input'])}"
    if detail["type"] in _WORDS:
        return f"{where}={detail['input']!r}: {_WORDS[detail['type']]}"
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
