import numpy as np
import pytest

from signbit.data.split import held_out_split
from signbit.errors import DataError


def test_every_fifth_image_of_each_class_is_held_out() -> None:
    labels = np.array([0] * 7 + [1] * 6 + [0])
    np.testing.assert_array_equal(held_out_split(labels, "test", "s"), [1, 6, 8])


def test_the_two_splits_share_nothing_and_miss_nothing() -> None:
    labels = np.random.randint(0, 4, 103)
    train, test = (held_out_split(labels, split, "s") for split in ("train", "test"))
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(103))
    for label in range(4):
        share = np.mean(labels[test] == label) * len(test) / np.sum(labels == label)
        assert 0.1 < share < 0.3


def test_another_split_is_refused() -> None:
    with pytest.raises(DataError, match=r"s: no split 'val'; there are: train, test"):
        held_out_split(np.zeros(10, dtype=np.int64), "val", "s")
