"""The two readers of model files, which must judge every file alike."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import signbit
from signbit.bitformat import decode
from signbit.errors import SignbitError

__all__ = ["READERS", "check_alike", "reader"]

READERS: dict[str, Callable[[bytes], object]] = {"numpy": decode, "native": signbit.load}

reader = pytest.mark.parametrize("read", READERS.values(), ids=READERS)


def accepts(read: Callable[[bytes], object], data: bytes) -> bool:
    try:
        read(data)
    except SignbitError:
        return False
    return True


def check_alike(data: bytes) -> bool:
    """Both readers give the same judgement; return it."""
    judgement = {name: accepts(read, data) for name, read in READERS.items()}
    assert len(set(judgement.values())) == 1, f"{judgement}: {data!r}"
    return judgement["numpy"]
