"""Compilers, emulators and builds of the tests, which skip what a tool is missing for."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["compiler", "one_at_a_time", "require"]


def require(missing: Sequence[str]) -> None:
    """Skips where any tool is missing."""
    if missing:
        pytest.skip(f"no {', '.join(missing)}; see tools/install_edge_tools.sh")


def compiler(name: str) -> str:
    """A desktop's C compiler, by its name or with the version that Debian gives it; skips."""
    found = next(filter(shutil.which, (name, f"{name}-14")), "")
    require([] if found else [name])
    return found


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Keeps other processes of the tests from building in a folder meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
