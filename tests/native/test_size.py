"""What a program carries with it: the shared library without symbols."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

MOST = {"x86_64": 2_400_000, "aarch64": 1_200_000}
"""Bytes by processor, with all its instruction sets."""


@pytest.mark.skipif(platform.machine() not in MOST, reason="no limit for this processor")
def test_the_shared_library_is_small(installed: Path) -> None:
    (library,) = {path.resolve() for path in installed.rglob("libsignbit.so*")}
    assert library.stat().st_size <= MOST[platform.machine()]
