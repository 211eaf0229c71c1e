"""Many images, decoded by as many threads as there are cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["available_cores", "decoded"]

T = TypeVar("T")

# Images that wait to be taken; at 224×224 they are 38 MB.
_AHEAD = 256


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def decoded(read: Callable[[int], T], count: int) -> Iterator[T]:
    """read(0) … read(count − 1) in order; Pillow decodes and resizes outside of Python's lock."""
    with ThreadPoolExecutor(available_cores()) as pool:
        for start in range(0, count, _AHEAD):
            yield from pool.map(read, range(start, min(start + _AHEAD, count)))
