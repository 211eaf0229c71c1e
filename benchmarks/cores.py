"""Which cores a comparison may use. Set before a peer makes its threads: they inherit it."""

from __future__ import annotations

import os

__all__ = ["restrict"]


def restrict(count: int) -> list[int]:
    """Keep this process on `count` of the cores it may use, the last ones; returns their numbers.

    Raises ValueError if there are fewer.
    """
    allowed = sorted(os.sched_getaffinity(0))
    if count > len(allowed):
        raise ValueError(f"{count} cores wanted, {len(allowed)} may be used")
    chosen = allowed[-count:]
    os.sched_setaffinity(0, chosen)
    os.environ["OMP_NUM_THREADS"] = str(count)
    return chosen
