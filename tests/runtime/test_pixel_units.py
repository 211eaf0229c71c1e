"""Float images that are no pixels from 0 to 255 draw one warning; pixels draw none."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from tests.bitformat.builder import Builder
from tests.runtime.test_ports import two_and_two

import signbit
from signbit.bitformat import encode
from signbit.errors import InputError, SignbitWarning

Images = npt.NDArray[np.float32]

SHAPE = (4, 3, 2)
PIXELS = np.random.default_rng(0).integers(0, 256, (2, *SHAPE)).astype(np.float32)


def _engine() -> signbit.Engine:
    b = Builder(5)
    b.output("same", b.node("same", "identity", (b.input("image", "image", *SHAPE),)))
    return signbit.load(encode(*b.sample()))


@pytest.fixture
def said() -> Iterator[list[warnings.WarningMessage]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


@pytest.mark.parametrize(
    ("images", "cure"),
    [
        (PIXELS / 255, "are 0 to 0.973, .*multiply them by 255"),
        (PIXELS / 510, "multiply them by 255"),
        (PIXELS / 127.5 - 1, "are -1 to .*not normalised yet"),
        ((PIXELS / 255 - 0.45) / 0.225, "not normalised yet"),
    ],
)
def test_other_units_warn_once_where_the_engine_is_called(
    images: Images, cure: str, said: list[warnings.WarningMessage]
) -> None:
    engine = _engine()
    for _ in range(3):
        assert engine(images).tobytes() == images.astype(np.float32).tobytes()
    assert [each.category for each in said] == [SignbitWarning]
    assert said[0].filename == __file__
    with pytest.warns(SignbitWarning, match=cure):
        _engine()(images)


@pytest.mark.parametrize(
    "images",
    [
        PIXELS,
        PIXELS + np.float32(0.5),
        np.zeros((1, *SHAPE), np.float32),
        np.ones((1, *SHAPE), np.float32),
        np.full((1, *SHAPE), 7.5, np.float32),
        np.zeros((0, *SHAPE), np.float32),
        PIXELS.astype(np.uint8) // 255,
    ],
)
def test_pixels_draw_none(images: Images, said: list[warnings.WarningMessage]) -> None:
    _engine()(images)
    assert not said


def test_each_engine_says_it_of_the_first_images_that_are_odd(
    said: list[warnings.WarningMessage],
) -> None:
    engine = _engine()
    for images in (PIXELS, np.zeros_like(PIXELS), PIXELS / 255, PIXELS / 255):
        engine({"image": images})
    assert len(said) == 1
    pickle.loads(pickle.dumps(engine))(PIXELS / 255)
    assert len(said) == 2
    copy.copy(engine)(PIXELS / 255)
    assert len(said) == 2


def test_values_that_are_no_pixels_may_be_small(said: list[warnings.WarningMessage]) -> None:
    """Of an input of reals nobody knows the units."""
    small = {"mask": PIXELS[..., :1] / 255, "gain": np.full((2, 1, 1, 2), 0.5, np.float32)}
    signbit.load(two_and_two())({"photo": PIXELS.astype(np.uint8), **small})
    assert not said


def test_pixels_that_are_not_finite_are_refused_without_a_word(
    said: list[warnings.WarningMessage],
) -> None:
    for odd in (np.nan, np.inf, -np.inf):
        images = PIXELS.copy()
        images[0, 0, 0, 0] = odd
        with pytest.raises(InputError, match="finite"):
            _engine()(images)
    assert not said
