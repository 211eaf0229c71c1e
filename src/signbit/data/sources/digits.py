"""The 1,797 handwritten digits that ship inside scikit-learn: 8×8, gray, no download."""

from __future__ import annotations

import numpy as np

from signbit.data.loading.dataset import ImageDataset
from signbit.data.sources.split import held_out_split
from signbit.errors import MissingExtraError

__all__ = ["open_digits"]


def open_digits(split: str) -> ImageDataset:
    """Digits "0" … "9", uint8 (N, 8, 8, 1); train has 1,435 images, test the other 362.

    scikit-learn's values 0 … 16 become (255·v + 8) div 16, that is 255·v/16 rounded to nearest.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingExtraError.of("sklearn", "the data set digits") from error
    digits = load_digits()
    values = np.asarray(digits.images).astype(np.int64)
    images = ((255 * values + 8) // 16).astype(np.uint8)[..., np.newaxis]
    labels = np.asarray(digits.target, dtype=np.int64)
    chosen = held_out_split(labels, split, "digits")
    names = [str(digit) for digit in range(10)]
    return ImageDataset.from_arrays(
        images[chosen], labels[chosen], names, source="digits", split=split
    )
