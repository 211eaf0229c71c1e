import numpy as np
import pytest

from signbit.cli.scoring import match_classes
from signbit.data import ImageDataset
from signbit.errors import DataError


def dataset(*names: str) -> ImageDataset:
    """One image of each class, in order."""
    images = np.zeros((len(names), 2, 2, 3), dtype=np.uint8)
    return ImageDataset.from_arrays(images, range(len(names)), names, source="s", split="test")


def test_labels_follow_the_networks_order() -> None:
    assert match_classes(dataset("a", "b"), ["c", "b", "a"]).labels.tolist() == [2, 1]


def test_a_network_from_another_system_has_the_same_classes() -> None:
    """Its names may be in Unicode's decomposed form, as older files from a Mac have them."""
    matched = match_classes(dataset("b", "caf\u00e9"), ["cafe\u0301", "b"])
    assert matched.labels.tolist() == [1, 0]
    assert matched.class_names == ("caf\u00e9", "b")


def test_classes_that_it_does_not_know_are_named() -> None:
    with pytest.raises(DataError, match="knows no class 'cat', but 'Cat', which differs in case"):
        match_classes(dataset("cat", "dog"), ["Cat", "dog"])
    with pytest.raises(DataError, match="knows no class cow"):
        match_classes(dataset("cow", "dog"), ["Cat", "dog"])
