"""Compilers and emulators of the tests; where one is missing, a test is skipped, and says so."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

import pytest

__all__ = ["compiler", "require"]


def require(missing: Sequence[str]) -> None:
    """Skips where any tool is missing."""
    if missing:
        pytest.skip(f"no {', '.join(missing)}; see tools/install_edge_tools.sh")


def compiler(name: str) -> str:
    """A desktop's C compiler, by its name or with the version that Debian gives it; skips."""
    found = next(filter(shutil.which, (name, f"{name}-14")), "")
    require([] if found else [name])
    return found
