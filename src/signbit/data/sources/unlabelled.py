"""Images that have no labels: the one class that they are given, and what is said where that fails.

Which of a source's images count as such, every source says itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from signbit.errors import DataError
from signbit.words import counted

__all__ = ["LABELS_NEEDED", "UNLABELLED", "lacking", "no_labels"]

UNLABELLED = ("unlabelled",)
"""The class names of images without labels."""

LABELS_NEEDED = (
    "labels are needed here: name images that have some with --data "
    "(signbit pretrain learns from images without)"
)
"""The end of an error about labels that are missing."""


def lacking(count: int, source: str, split: str) -> DataError:
    """The error about `count` images of a split that have no label where the others have one."""
    return DataError(
        f"{source}: {counted(count, 'image')} of the {split} split without a label; {LABELS_NEEDED}"
    )


def no_labels(count: int) -> NDArray[np.int64]:
    """Labels int64 (count,), all of `UNLABELLED`'s class."""
    return np.zeros(count, dtype=np.int64)
