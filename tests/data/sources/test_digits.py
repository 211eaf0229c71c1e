import numpy as np
from sklearn.datasets import load_digits

from signbit.data.sources.digits import open_digits


def test_both_splits_together_are_scikit_learns_digits() -> None:
    train, test = open_digits("train"), open_digits("test")
    assert (len(train), len(test)) == (1435, 362)
    assert train.class_names == test.class_names == tuple("0123456789")
    assert train.images.shape[1:] == (8, 8, 1)
    ours = np.concatenate([train.images, test.images])[..., 0]
    theirs = np.round(load_digits().images * 255 / 16 + 1e-9).astype(np.uint8)
    assert sorted(image.tobytes() for image in ours) == sorted(i.tobytes() for i in theirs)


def test_pixels_reach_from_0_to_255_and_every_class_is_in_both_splits() -> None:
    for split in ("train", "test"):
        digits = open_digits(split)
        assert (digits.images.min(), digits.images.max()) == (0, 255)
        counts = np.bincount(digits.labels, minlength=10)
        assert counts.min() > 0.15 * counts.sum() / 10 * 5
