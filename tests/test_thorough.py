"""Samples are part of what long tests take, and large enough to say something."""

from __future__ import annotations

import pytest
from tests import thorough

NAMES = list("abcdefghij")


def names_together() -> list[list[str]]:
    return [param.values[0] for param in thorough.together(NAMES, 4)]


def test_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thorough, "LONG", False)
    assert [thorough.many(count) for count in (4, 20, 80)] == [4, 6, 10]
    assert thorough.many(20, least=2) == 2
    assert thorough.sample(NAMES, "c", "b") == ["b", "c"]
    assert names_together() == [list("adgj"), list("beh"), list("cfi")]


def test_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thorough, "LONG", True)
    assert [thorough.many(count, least=2) for count in (4, 20, 80)] == [4, 20, 80]
    assert thorough.sample(NAMES, "c", "b") == NAMES
    assert names_together() == [[name] for name in NAMES]


def test_a_telling_case_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(AssertionError, match="no such cases: \\['x'\\]"):
        thorough.sample(NAMES, "a", "x")
