"""How much a command says beside its results, as its `--quiet` or `--verbose` set it."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Level", "level", "set_level"]


class Level(IntEnum):
    """How much is said on stderr."""

    QUIET = 0
    """Errors alone."""
    NORMAL = 1
    VERBOSE = 2
    """Also when each line was said, all warnings, and where an error was raised."""


_level = Level.NORMAL


def level() -> Level:
    """The level of the command that runs."""
    return _level


def set_level(new: Level) -> None:
    """Begin a command that says so much."""
    global _level
    _level = new
