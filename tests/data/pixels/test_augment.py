from collections import Counter

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from signbit.data.pixels.augment import Augmentation

PADDING = 2
WINDOWS = (2 * PADDING + 1) ** 2


def windows(image: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Every window of the old size that a crop of the black-padded (H, W, C) image can give."""
    height, width, _ = image.shape
    padded = np.pad(image, ((PADDING, PADDING), (PADDING, PADDING), (0, 0)))
    return [
        padded[y : y + height, x : x + width]
        for y in range(2 * PADDING + 1)
        for x in range(2 * PADDING + 1)
    ]


def random_images(count: int, height: int = 6, width: int = 8, channels: int = 3):  # type: ignore[no-untyped-def]
    """No black pixel, so that every window of every side of an image is another one."""
    return np.random.randint(1, 256, (count, height, width, channels), dtype=np.uint8)


def places(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> list[tuple[bool, int]]:
    """For each image the one (mirrored, window) that its result is; fails if it is none."""
    result = []
    for image, changed in zip(before, after, strict=True):
        found = [
            (flip, index)
            for flip in (False, True)
            for index, window in enumerate(windows(image[:, ::-1] if flip else image))
            if np.array_equal(window, changed)
        ]
        assert len(found) == 1
        result += found
    return result


@pytest.mark.parametrize("channels", [1, 3])
def test_every_result_is_a_mirrored_or_plain_window_of_the_black_padded_image(
    channels: int,
) -> None:
    images = random_images(64, channels=channels)
    kept = images.copy()
    result = Augmentation(flip=True, crop_padding=PADDING)(images, seed=1)
    assert result.flags.c_contiguous
    found = places(images, result)
    assert {flip for flip, _ in found} == {False, True}
    assert len({window for _, window in found}) > 20  # of 25
    np.testing.assert_array_equal(images, kept)


@pytest.mark.slow
def test_sides_and_windows_are_equally_likely_and_independent() -> None:
    images = random_images(500)
    augment = Augmentation(flip=True, crop_padding=PADDING)
    counts = Counter(place for seed in range(20) for place in places(images, augment(images, seed)))
    expected = 500 * 20 / (2 * WINDOWS)
    table = [counts[flip, window] for flip in (False, True) for window in range(WINDOWS)]
    chi_square = sum((count - expected) ** 2 / expected for count in table)
    # χ² with 49 degrees of freedom exceeds 85.4 once in a thousand times.
    assert chi_square < 85.4


def test_kornia_draws_the_same_distribution() -> None:
    augmentation = pytest.importorskip("kornia.augmentation")
    steps = torch.nn.Sequential(
        augmentation.RandomHorizontalFlip(p=0.5),
        augmentation.RandomCrop((6, 8), padding=PADDING, cropping_mode="slice"),
    )
    images = random_images(2000)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).to(torch.float32)
    theirs = steps(pixels).permute(0, 2, 3, 1).numpy().astype(np.uint8)
    ours = Augmentation(flip=True, crop_padding=PADDING)(images, seed=3)
    left, right = Counter(places(images, theirs)), Counter(places(images, ours))
    every = {*left, *right}
    assert len(every) == 2 * WINDOWS
    # Two samples of the same size, 49 degrees of freedom.
    chi_square = sum((left[at] - right[at]) ** 2 / (left[at] + right[at]) for at in every)
    assert chi_square < 85.4


def test_flip_and_crop_go_alone() -> None:
    images = random_images(40)
    flips = places(images, Augmentation(flip=True, crop_padding=0)(images, seed=2))
    assert {window for _, window in flips} == {WINDOWS // 2}
    assert {flip for flip, _ in flips} == {False, True}
    crops = places(images, Augmentation(flip=False, crop_padding=PADDING)(images, seed=2))
    assert {flip for flip, _ in crops} == {False}


def test_the_result_depends_on_the_seed_alone() -> None:
    augment = Augmentation(flip=True, crop_padding=PADDING)
    images = random_images(16)
    first = augment(images, seed=5)
    torch.rand(3)
    np.testing.assert_array_equal(augment(images, seed=5), first)
    assert not np.array_equal(augment(images, seed=6), first)


def test_parts_of_a_step_become_what_the_whole_step_becomes() -> None:
    augment = Augmentation(flip=True, crop_padding=PADDING)
    images = random_images(9)
    parts = [augment(images[at:end], 5, at, 9) for at, end in [(0, 5), (5, 6), (6, 9)]]
    np.testing.assert_array_equal(np.concatenate(parts), augment(images, 5))


def test_the_global_generators_are_left_alone() -> None:
    augment = Augmentation(flip=True, crop_padding=PADDING)
    images = random_images(4)
    torch.manual_seed(3)
    np.random.seed(3)
    expected = torch.rand(4), np.random.rand(4)
    torch.manual_seed(3)
    np.random.seed(3)
    augment(images, seed=1)
    assert torch.equal(torch.rand(4), expected[0])
    np.testing.assert_array_equal(np.random.rand(4), expected[1])


def test_nothing_asked_for_changes_nothing() -> None:
    images = random_images(2)
    result = Augmentation(flip=False, crop_padding=0)(images, seed=1)
    np.testing.assert_array_equal(result, images)


def test_no_images_stay_none() -> None:
    empty = np.empty((0, 6, 8, 3), dtype=np.uint8)
    assert Augmentation(flip=True, crop_padding=PADDING)(empty, seed=1).shape == (0, 6, 8, 3)


@pytest.mark.parametrize("side", [1, 2, 3, 5, 20])
def test_cutout_blackens_one_square_whose_centre_is_any_pixel(side: int) -> None:
    images = random_images(400)
    kept = images.copy()
    result = Augmentation(flip=False, crop_padding=0, cutout=side)(images, seed=3)
    np.testing.assert_array_equal(images, kept)
    height, width = images.shape[1:3]
    squares = {
        (row, column): np.outer(
            np.isin(np.arange(height), np.arange(row - side // 2, row - side // 2 + side)),
            np.isin(np.arange(width), np.arange(column - side // 2, column - side // 2 + side)),
        )
        for row in range(height)
        for column in range(width)
    }
    seen = set()
    for before, after in zip(images, result, strict=True):
        black = (after == 0).all(axis=-1)
        np.testing.assert_array_equal(after, np.where(black[..., None], 0, before))
        centres = [place for place, square in squares.items() if np.array_equal(square, black)]
        assert centres
        seen.update(centres)
    assert seen == set(squares)


def test_cutout_of_a_part_of_a_step_is_that_of_the_whole_step() -> None:
    images = random_images(9)
    augment = Augmentation(flip=True, crop_padding=PADDING, cutout=3)
    whole = augment(images, 5)
    parts = [augment(images[:4], 5, 0, 9), augment(images[4:], 5, 4, 9)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
