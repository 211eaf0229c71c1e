"""What a caller may ask of an engine when a model is loaded, checked."""

from __future__ import annotations

import operator
from typing import SupportsIndex

from signbit.errors import InputError

__all__ = ["checked_limits", "checked_size", "checked_threads"]

MAX_SIDE = 16_384
MAX_THREADS = 1024
MOST_LIMIT = 2**62


def checked_size(size: tuple[int, int]) -> tuple[int, int]:
    """The (height, width), if an image can have it."""
    try:
        height, width = (operator.index(side) for side in size)
    except (TypeError, ValueError):
        height = width = 0
    if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE):
        raise InputError(
            "input_size: must be (height, width), two whole numbers from 1 to "
            f"{MAX_SIDE:,}, is {size!r}"
        )
    return height, width


def checked_limits(
    max_bytes: SupportsIndex | None, max_operations: SupportsIndex | None
) -> tuple[int, int]:
    """Both limits, 0 for the engine's own where one is None."""
    return (
        _checked_limit("max_bytes", max_bytes),
        _checked_limit("max_operations", max_operations),
    )


def _checked_limit(name: str, limit: SupportsIndex | None) -> int:
    """The limit, if it is a whole number that can be one."""
    if limit is None:
        return 0
    try:
        value = operator.index(limit)
    except TypeError:
        raise InputError(f"{name}: must be a whole number, is {limit!r}") from None
    if not 1 <= value <= MOST_LIMIT:
        raise InputError(f"{name}: must be 1 to 2^62, is {value}")
    return value


def checked_threads(threads: SupportsIndex) -> int:
    """The number, if it is a whole one that an engine can have."""
    try:
        count = operator.index(threads)
    except TypeError:
        raise InputError(f"threads: must be a whole number, is {threads!r}") from None
    if not 1 <= count <= MAX_THREADS:
        raise InputError(f"threads: must be 1 to {MAX_THREADS}, is {count}")
    return count
