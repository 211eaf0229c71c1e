"""The held-out split of sources that come without one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from signbit.errors import DataError

__all__ = ["held_out_split"]

_EVERY = 5


def held_out_split(labels: NDArray[np.int64], split: str, source: str) -> NDArray[np.int64]:
    """Indices of `split` ("train" or "test"), ascending.

    The second, seventh, twelfth … image of each class is held out for the test: about 20 % of
    every class, the same ones on every machine. Raises DataError on another split name.
    """
    if split not in ("train", "test"):
        raise DataError(f"{source}: no split {split!r}; there are: train, test")
    held_out = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        of_class = np.flatnonzero(labels == label)
        held_out[of_class[1::_EVERY]] = True
    return np.flatnonzero(held_out if split == "test" else ~held_out)
