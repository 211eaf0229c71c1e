import numpy as np
import pytest
from numpy.typing import NDArray

from signbit.bitformat.graph import Resize
from signbit.data import ImageDataset
from signbit.errors import DataError


def dataset(images: list[NDArray[np.uint8]], labels: list[int]) -> ImageDataset:
    return ImageDataset(
        lambda index: images[index], labels, ["cat", "dog"], source="here", split="train"
    )


def random_images(*shapes: tuple[int, int, int]) -> list[NDArray[np.uint8]]:
    return [np.random.randint(0, 256, shape, dtype=np.uint8) for shape in shapes]


def test_images_are_decoded_once_in_order() -> None:
    images = random_images((4, 4, 3), (4, 4, 3), (4, 4, 3))
    opened = dataset(images, [0, 1, 0])
    np.testing.assert_array_equal(opened.images, np.stack(images))
    assert opened.images is opened.images
    assert len(opened) == 3
    assert opened.labels.dtype == np.int64


def test_images_of_different_sizes_name_the_odd_one() -> None:
    opened = dataset(random_images((4, 4, 3), (4, 5, 3)), [0, 1])
    with pytest.raises(DataError, match=r"image 1 .* \(4, 5, 3\)"):
        _ = opened.images


def test_fitted_resizes_only_what_needs_it() -> None:
    images = random_images((4, 4, 3), (8, 12, 3))
    fitted = dataset(images, [0, 1]).fitted((4, 4, 3), Resize(4, "nearest"))
    assert fitted.images.shape == (2, 4, 4, 3)
    np.testing.assert_array_equal(fitted.images[0], images[0])
    assert fitted.class_names == ("cat", "dog")


def test_fitted_honours_a_resize_larger_than_the_cut() -> None:
    images = random_images((4, 4, 1))
    fitted = dataset(images, [0]).fitted((4, 4, 1), Resize(8, "nearest"))
    doubled = images[0].repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(fitted.images[0], doubled[2:6, 2:6])


def test_take_keeps_images_and_labels_together() -> None:
    images = random_images(*[(2, 2, 1)] * 4)
    taken = dataset(images, [0, 1, 1, 0]).take(np.array([3, 1]))
    np.testing.assert_array_equal(taken.images, np.stack([images[3], images[1]]))
    np.testing.assert_array_equal(taken.labels, [0, 1])


def test_no_images_and_labels_without_a_class_are_refused() -> None:
    with pytest.raises(DataError, match="here: the train split has no images"):
        dataset([], [])
    for label in (-1, 2):
        with pytest.raises(DataError, match="2 classes"):
            dataset(random_images((2, 2, 1)), [label])


def test_without_labels_the_images_stay() -> None:
    images = random_images((2, 2, 1), (2, 3, 1))
    bare = dataset(images, [0, 1]).without_labels()
    assert (bare.labels.tolist(), bare.class_names) == ([0, 0], ("unlabelled",))
    np.testing.assert_array_equal(bare.read(1), images[1])
