import numpy as np
import pytest

from signbit.data.sources.split import (
    find_split,
    held_out_share,
    held_out_split,
    no_split,
    share_of_classes,
    train_or_held_out,
)
from signbit.errors import DataError, InputError


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


def test_a_share_of_every_class() -> None:
    labels = np.array([0] * 100 + [1] * 30 + [2] * 3)
    np.random.default_rng(0).shuffle(labels)
    chosen = share_of_classes(labels, 0.1, seed=5)
    assert np.bincount(labels[chosen]).tolist() == [10, 3, 1]
    assert (np.diff(chosen) > 0).all()
    assert chosen.tolist() == share_of_classes(labels, 0.1, seed=5).tolist()
    assert chosen.tolist() != share_of_classes(labels, 0.1, seed=6).tolist()
    larger = share_of_classes(labels, 0.55, seed=5)
    assert np.bincount(labels[larger]).tolist() == [55, 17, 2]
    assert set(chosen) <= set(larger)
    assert share_of_classes(labels, 1.0, seed=5).tolist() == list(range(133))


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01, float("nan")])
def test_impossible_shares(share: float) -> None:
    with pytest.raises(InputError, match="above 0 and at most 1"):
        share_of_classes(np.zeros(4, np.int64), share, seed=0)


def test_any_other_name_than_train_is_what_is_held_out() -> None:
    labels = np.array([0] * 7 + [1] * 2)
    for name in ("test", "validation"):
        np.testing.assert_array_equal(train_or_held_out(labels, name, "s"), [1, 6, 8])
    np.testing.assert_array_equal(train_or_held_out(labels, "train", "s"), [0, 2, 3, 4, 5, 7])
    with pytest.raises(DataError, match="s: has no test images, and of 2 none can be held out"):
        train_or_held_out(np.arange(2), "train", "s")


def test_a_split_is_found_by_its_usual_names() -> None:
    assert find_split("train", ["training", "Train"]) == "Train"
    assert find_split("test", ["val", "testing"]) == "testing"
    assert find_split("test", ["validation", "dev", "train"]) == "validation"
    assert find_split("validation", ["valid", "test"]) == "valid"
    assert find_split("extra", ["Extra"]) == "Extra"
    # Who asks for validation images does not get those of the test.
    assert find_split("val", ["test", "train"]) is None


def test_a_missing_split_ends_with_what_to_ask_for() -> None:
    error = no_split("s", "val", ["train", "x", "testing"], "unused")
    assert "to take testing, say data.test_split=testing" in str(error)
    assert str(no_split("s", "test", ["train"], "add one")).endswith("train; add one")
    assert str(no_split("s", "train", ["a"], "add one")).endswith("a; add one")


def test_one_image_a_class_leaves_none_to_test_on() -> None:
    assert len(held_out_split(np.arange(3), "train", "s")) == 3
    with pytest.raises(DataError, match="of 3 none can be held out from training"):
        held_out_split(np.arange(3), "test", "s")


def test_a_share_is_held_out_of_classes_that_can_spare_an_image() -> None:
    labels = np.array([0] * 20 + [1] * 2 + [2] * 3 + [4])
    chosen = held_out_share(labels, 0.2, seed=1)
    assert np.bincount(labels[chosen]).tolist() == [4, 0, 1]
    assert (np.diff(chosen) > 0).all()
    assert chosen.tolist() != held_out_share(labels, 0.2, seed=2).tolist()
    assert not len(held_out_share(labels[20:22], 0.2, seed=1))
