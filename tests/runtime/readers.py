"""The two readers of model files, which must judge every file alike: verdict and field."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from signbit.bitformat import decode
from signbit.errors import SignbitError
from signbit.runtime import _native

__all__ = ["READERS", "Verdict", "check_alike", "reader", "verdict"]

READERS: dict[str, Callable[[bytes], object]] = {
    "numpy": decode,
    "native": _native.check_model,
}

reader = pytest.mark.parametrize("read", READERS.values(), ids=READERS)

Verdict = tuple[str, str]
"""The exception's name and the field that its message begins with; empty where a file is read."""


def verdict(read: Callable[[bytes], object], data: bytes) -> Verdict:
    """What a reader says of a file."""
    try:
        read(data)
    except SignbitError as error:
        return type(error).__name__, str(error).partition(": ")[0]
    return "", ""


def check_alike(data: bytes, label: str = "") -> bool:
    """Both readers give the same verdict and name the same field; return whether they accept."""
    verdicts = {name: verdict(read, data) for name, read in READERS.items()}
    assert len(set(verdicts.values())) == 1, f"{label}: {verdicts}: {data!r}"
    return verdicts["numpy"] == ("", "")
