"""JSON for strangers' bytes: depth and size bounded first.

Duplicate keys, NaN and halves of surrogate pairs are refused.
"""

from __future__ import annotations

import json
import re
from typing import NoReturn

from signbit.errors import ModelFileError

__all__ = ["MAX_DEPTH", "MAX_VALUES", "Json", "parse"]

MAX_DEPTH = 16  # the graph itself needs 7
MAX_DIGITS = 40
MAX_VALUES = 4_000_000  # the largest graph has about half as many

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

# The closing quote is optional, so that an unterminated string costs one pass, not one per quote.
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_HALF = re.compile("[\ud800-\udfff]")
_MAY_HAVE_HALF = re.compile(r"\\u[dD][89a-fA-F]|" + _HALF.pattern)
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


def _integer(digits: str) -> int:
    """A number of any length; beyond any range the first digits say as much as all of them."""
    return int(digits[:MAX_DIGITS])


def _has_half_a_pair(value: Json) -> bool:
    """Whether a string holds half of a surrogate pair, which is no character."""
    if isinstance(value, dict):
        return any(_has_half_a_pair(item) for pair in value.items() for item in pair)
    if isinstance(value, list):
        return any(_has_half_a_pair(item) for item in value)
    return isinstance(value, str) and _HALF.search(value) is not None


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
            parse_int=_integer,
            object_pairs_hook=_object_without_duplicates,
        )
    except ValueError as error:
        raise ModelFileError(f"{where}: not valid JSON: {error}") from error
    if _MAY_HAVE_HALF.search(text) and _has_half_a_pair(value):
        raise ModelFileError(f"{where}: not valid JSON: half of a surrogate pair")
    return value
