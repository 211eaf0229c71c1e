"""Which cores a comparison may use: threads and processes made meanwhile inherit the choice."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["restricted"]

_OPENMP = "OMP_NUM_THREADS"


@contextmanager
def restricted(count: int) -> Iterator[list[int]]:
    """Keep this process on `count` of the cores it may use, the last ones; yields their numbers.

    OpenMP is told the same. Raises ValueError if there are fewer.
    """
    allowed = sorted(os.sched_getaffinity(0))
    if not 1 <= count <= len(allowed):
        raise ValueError(f"{count} cores wanted, {len(allowed)} may be used")
    before = os.environ.get(_OPENMP)
    os.sched_setaffinity(0, allowed[-count:])
    os.environ[_OPENMP] = str(count)
    try:
        yield allowed[-count:]
    finally:
        os.sched_setaffinity(0, allowed)
        if before is None:
            del os.environ[_OPENMP]
        else:
            os.environ[_OPENMP] = before
