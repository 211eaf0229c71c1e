"""JSON for strangers' bytes: depth and size bounded first, duplicate keys and NaN refused."""

from __future__ import annotations

import json
import re
from typing import NoReturn

from signbit.errors import ModelFileError

__all__ = ["MAX_DEPTH", "MAX_VALUES", "Json", "parse"]

MAX_DEPTH = 16  # the graph itself needs 5
MAX_VALUES = 4_000_000  # the largest graph has about half as many

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

# The closing quote is optional, so that an unterminated string costs one pass, not one a quote.
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")


def _check_size(text: str, where: str) -> None:
    """Bound depth and number of values by counting brackets and commas outside strings."""
    bare = _STRINGS.sub("", text)
    if bare.count(",") + bare.count("[") + bare.count("{") >= MAX_VALUES:
        raise ModelFileError(f"{where}: JSON has more than {MAX_VALUES} values")
    depth = 0
    for match in _BRACKETS.finditer(bare):
        depth += 1 if match.group() in "[{" else -1
        if depth > MAX_DEPTH:
            raise ModelFileError(f"{where}: JSON is nested deeper than {MAX_DEPTH} levels")


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")


def _object_without_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    result: dict[str, Json] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"key {key!r} occurs twice in one object")
        result[key] = value
    return result


def parse(text: str, where: str) -> Json:
    """Parse JSON text; `where` names the text in the ModelFileError raised for anything amiss."""
    _check_size(text, where)
    try:
        value: Json = json.loads(
            text,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object_without_duplicates,
        )
    except ValueError as error:
        raise ModelFileError(f"{where}: not valid JSON: {error}") from error
    return value
