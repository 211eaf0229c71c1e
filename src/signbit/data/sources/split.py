"""Which images of a source: its splits by name, what is held out where it has none, a share."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from signbit.data.loading.seeds import derive_seed
from signbit.errors import DataError, InputError
from signbit.words import listed

__all__ = [
    "find_split",
    "held_out_share",
    "held_out_split",
    "no_split",
    "share_of_classes",
    "train_or_held_out",
]

_EVERY = 5
_LEAST = 3  # images of a class of which one can be held out
_SPELLINGS = (
    ("train", "training"),
    ("test", "testing"),
    ("val", "validation", "valid"),
)


def find_split(asked: str, there: Iterable[str]) -> str | None:
    """What a source whose splits are `there` calls the split `asked`; None where it has none.

    The name itself goes first, then another usual one of the same split, small or capital: train,
    training; test, testing; val, valid, validation. Where "test" is asked for and there is none,
    the validation images are the ones to test on.
    """
    names = {name: name for name in there}
    small = {name.lower(): name for name in sorted(names, reverse=True)}
    wanted = [asked, asked.lower()]
    for spellings in _SPELLINGS:
        if asked.lower() in spellings:
            wanted += spellings
    if asked.lower() == "test":
        wanted += _SPELLINGS[2]
    return next((found for name in wanted if (found := names.get(name) or small.get(name))), None)


def no_split(source: str, asked: str, there: Iterable[str], cure: str = "") -> DataError:
    """The error about a split that a source does not have among its own, which are `there`.

    It ends with what to ask for instead: one of them that is not for training, or else `cure`.
    """
    names = list(there)
    training = find_split("train", names)
    others = [name for name in names if name != training]
    if others and asked != "train":
        name = find_split("test", others) or others[0]
        cure = (
            f"to take {name}, say data.test_split={name} in a recipe, and --split {name} to "
            "evaluate, compile or probe"
        )
    return DataError(f"{source}: no split {asked!r}; there are: {listed(names)}; {cure}")


def held_out_split(labels: NDArray[np.int64], split: str, source: str) -> NDArray[np.int64]:
    """Indices of `split` ("train" or "test"), ascending.

    The second, seventh, twelfth … image of each class is held out for the test: about 20 % of
    every class, the same ones on every machine. Raises DataError on another split name, and where
    no class has enough images.
    """
    if split not in ("train", "test"):
        raise no_split(source, split, ("train", "test"))
    held_out = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        of_class = np.flatnonzero(labels == label)
        held_out[of_class[1::_EVERY]] = True
    if split == "test" and len(labels) and not held_out.any():
        raise DataError(
            f"{source}: has no test images, and of {len(labels)} none can be held out from "
            "training, as that takes two of one class; add more"
        )
    return np.flatnonzero(held_out if split == "test" else ~held_out)


def train_or_held_out(labels: NDArray[np.int64], split: str, source: str) -> NDArray[np.int64]:
    """Like `held_out_split`, but every name except "train" means the images held out.

    For sources that have no test images, whatever a recipe calls them. Raises DataError where
    there are too few to hold one out.
    """
    held_out = held_out_split(labels, "test", source)
    return held_out_split(labels, "train", source) if split == "train" else held_out


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


def held_out_share(labels: NDArray[np.int64], share: float, seed: int) -> NDArray[np.int64]:
    """Indices, ascending, of `share` of the images of each class that has three or more.

    As `share_of_classes` draws them; none where no class has so many.
    """
    several = np.flatnonzero(np.bincount(labels)[labels] >= _LEAST)
    return several[share_of_classes(labels[several], share, seed)] if len(several) else several
