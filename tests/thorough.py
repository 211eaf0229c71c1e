"""How much the tests draw: a sample by default, all of it where SIGNBIT_TESTS is "long"."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, TypeVar

import pytest
from hypothesis import Phase, settings

__all__ = ["LONG", "drawn", "many", "sample", "together"]

Case = TypeVar("Case")

_CHOSEN = os.environ.get("SIGNBIT_TESTS", "")
if _CHOSEN not in ("", "long"):
    raise pytest.UsageError(f"SIGNBIT_TESTS is {_CHOSEN!r}: 'long', or unset for a sample")

LONG = _CHOSEN == "long"


def many(count: int, *, least: int = 6) -> int:
    """How many of `count` random cases are drawn: an eighth and at least `least`, or all."""
    return count if LONG else min(count, max(least, count // 8))


def drawn(count: int, *, least: int = 6) -> settings:
    """Settings of a property test that takes `many` cases: the same ones always, as they are."""
    return settings(
        deadline=None,
        derandomize=True,
        database=None,
        max_examples=many(count, least=least),
        phases=[Phase.explicit, Phase.generate],
    )


def sample(cases: Iterable[Case], *telling: Case) -> list[Any]:
    """The parameters of a test: the telling ones by default, every case in long tests."""
    every = list(cases)
    unknown = [case for case in telling if case not in every]
    assert not unknown, f"no such cases: {unknown}"
    return every if LONG else [case for case in every if case in telling]


def together(names: Iterable[str], count: int) -> list[Any]:
    """The names for one test each in long tests; by default a test takes up to `count` of them.

    They come from all along the list, as neighbours are alike.
    """
    every = list(names)
    tests = len(every) if LONG else -(-len(every) // count)
    taken = [every[first::tests] for first in range(tests)]
    return [pytest.param(each, id="-".join(each)) for each in taken]
