"""Colour jitter: the formulas are Pillow's, each image has factors of its own."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from signbit.data.pixels import jitter
from signbit.data.pixels.augment import Augmentation
from signbit.data.pixels.jitter import jittered
from signbit.data.pixels.resized_crop import ResizedCrop


def images(count: int, channels: int = 3) -> NDArray[np.uint8]:
    generator = np.random.default_rng(3)
    return generator.integers(0, 256, (count, 9, 7, channels), dtype=np.uint8)


@pytest.mark.parametrize("kind", range(3))
def test_each_change_is_pillow_s(kind: int, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
    for draw in (0.0, 0.3, 1.0):
        draws = np.full((1, 3), 0.5, np.float32)  # a factor of 1
        draws[0, kind] = draw

        class Drawn:
            def __init__(self, values: NDArray[np.float32]) -> None:
                self.values = values

            def numpy(self) -> NDArray[np.float32]:
                return self.values

        monkeypatch.setattr(
            jitter.torch, "rand", lambda *size, generator, drawn=draws: Drawn(drawn)
        )
        (picture,) = images(1)
        (found,) = jittered(picture[None], 0.6, seed=1, first=0, total=1)
        factor = 1 + 0.6 * (2 * draw - 1)
        expected = np.asarray(changes[kind](Image.fromarray(picture)).enhance(factor))
        # Pillow rounds the gray picture first, and cuts off where this rounds.
        assert np.abs(found.astype(int) - expected).max() <= 2


def test_images_differ_and_a_part_of_a_step_is_that_of_the_whole_step() -> None:
    same = np.repeat(images(1), 6, axis=0)
    whole = jittered(same, 0.4, 5, 0, 6)
    assert len({each.tobytes() for each in whole}) == 6
    parts = [jittered(same[:2], 0.4, 5, 0, 6), jittered(same[2:], 0.4, 5, 2, 6)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert not np.array_equal(jittered(same, 0.4, 6, 0, 6), whole)
    np.testing.assert_array_equal(jittered(same, 0.0, 5, 0, 6), same)


def test_gray_images_stay_of_one_channel() -> None:
    gray = images(5, channels=1)
    assert jittered(gray, 0.4, 1, 0, 5).shape == gray.shape
    assert jittered(gray[:0], 0.4, 1, 0, 5).shape == (0, 9, 7, 1)


@pytest.mark.parametrize("amount", [0.4, 1.0])
def test_both_ways_to_crop_jitter_and_cut_out_last(amount: float) -> None:
    pictures = images(40) // 2 + 100
    padded = Augmentation(flip=True, crop_padding=0, cutout=3, colour_jitter=amount)
    scaled = ResizedCrop(flip=True, area=0.5, size=(6, 6), cutout=3, colour_jitter=amount)
    for augment in (padded, scaled):
        found = augment(pictures, 7)
        assert (found == 0).all(axis=3).any(axis=(1, 2)).all()
        parts = [augment(pictures[:9], 7, 0, 40), augment(pictures[9:], 7, 9, 40)]
        np.testing.assert_array_equal(np.concatenate(parts), found)
    plain = ResizedCrop(flip=True, area=0.5, size=(6, 6))(pictures, 7)
    only = ResizedCrop(flip=True, area=0.5, size=(6, 6), cutout=3)(pictures, 7)
    np.testing.assert_array_equal(only, np.where((only == 0).all(axis=3, keepdims=True), 0, plain))
