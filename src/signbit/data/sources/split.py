"""Which images of a source: the held-out split of those without one, a share of every class."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from signbit.data.loading.seeds import derive_seed
from signbit.errors import DataError, InputError

__all__ = ["held_out_split", "share_of_classes", "train_or_held_out"]

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


def train_or_held_out(labels: NDArray[np.int64], split: str, source: str) -> NDArray[np.int64]:
    """Like `held_out_split`, but every name except "train" means the images held out.

    For sources that have no test images, whatever a recipe calls them. Raises DataError where
    there are too few to hold one out.
    """
    train, held_out = (held_out_split(labels, part, source) for part in ("train", "test"))
    if not len(held_out):
        raise DataError(
            f"{source}: has no test images, and of {len(labels)} none can be held out from "
            "training; add more"
        )
    return train if split == "train" else held_out


def share_of_classes(labels: NDArray[np.int64], share: float, seed: int) -> NDArray[np.int64]:
    """Indices of `share` (0 … 1, 0 excluded) of the images of each class, ascending.

    Of a class of n images it is share · n, rounded to nearest, one at least. With one seed a
    smaller share is part of a larger one. Raises InputError for a share outside.
    """
    if not 0 < share <= 1:
        raise InputError(f"a share of the labels is above 0 and at most 1, not {share}")
    chosen = []
    for label in np.unique(labels).tolist():
        of_class = np.flatnonzero(labels == label)
        generator = np.random.default_rng(derive_seed(seed, "share of classes", label))
        count = max(1, math.floor(share * len(of_class) + 0.5))
        chosen.append(generator.permutation(of_class)[:count])
    return np.sort(np.concatenate(chosen))
