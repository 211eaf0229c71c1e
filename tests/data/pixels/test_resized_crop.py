"""Windows of a picture whose pixels say where they are."""

import numpy as np
import pytest
from numpy.typing import NDArray

from signbit.data.pixels import resized_crop
from signbit.data.pixels.resized_crop import ResizedCrop

SIDE = 64


def coordinates(count: int) -> NDArray[np.uint8]:
    """(count, SIDE, SIDE, 3): red is 4·x, green 4·y, blue the image's number."""
    images = np.zeros((count, SIDE, SIDE, 3), dtype=np.uint8)
    images[..., 0] = 4 * np.arange(SIDE)
    images[..., 1] = 4 * np.arange(SIDE)[:, None]
    images[..., 2] = np.arange(count)[:, None, None]
    return images


def windows_of(seed: int, count: int, area: float) -> NDArray[np.int64]:
    """(count, 4): left, top, right, bottom."""
    found = []
    real = resized_crop.windows

    def remember(*arguments):  # type: ignore[no-untyped-def]
        found.append(real(*arguments))
        return found[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resized_crop, "windows", remember)
        ResizedCrop(flip=False, area=area, size=(8, 8))(coordinates(count), seed)
    return found[0]


def test_windows_have_the_areas_and_aspects_asked_for() -> None:
    area = 0.08
    left, top, right, bottom = windows_of(1, 4000, area).T
    assert left.min() == top.min() == 0
    assert right.max() == bottom.max() == SIDE
    width, height = right - left, bottom - top
    shares = width * height / SIDE**2
    assert area * 0.9 < shares.min() < 0.1
    assert shares.max() > 0.95
    # Uniform but for large windows, which fit less often: quartiles of those below one half.
    small = np.sort(shares[shares < 0.5])
    for share in (0.25, 0.5, 0.75):
        expected = area + share * (0.5 - area)
        assert small[int(share * len(small))] == pytest.approx(expected, abs=0.02)
    logs = np.log(width / height)[shares < 0.5]
    assert abs(logs.mean()) < 0.02
    assert logs.std() == pytest.approx(2 * np.log(4 / 3) / np.sqrt(12), abs=0.01)
    # Where there is room to move, every place is as likely.
    room = SIDE - width
    assert np.mean(left[room > 8] / room[room > 8]) == pytest.approx(0.5, abs=0.02)


def test_the_result_is_the_window_scaled() -> None:
    images = coordinates(20)
    result = ResizedCrop(flip=False, area=0.1, size=(4, 6))(images, seed=3)
    assert result.shape == (20, 4, 6, 3)
    assert result.dtype == np.uint8
    draws = windows_of(3, 20, 0.1)
    for number, (left, top, right, bottom) in enumerate(draws):
        assert set(result[number, ..., 2].flat) == {number}
        # The middle of an output pixel is the middle of its part of the window.
        across = left + (np.arange(6) + 0.5) * (right - left) / 6 - 0.5
        down = top + (np.arange(4) + 0.5) * (bottom - top) / 4 - 0.5
        np.testing.assert_allclose(result[number, 1, 1:-1, 0] / 4, across[1:-1], atol=0.6)
        np.testing.assert_allclose(result[number, 1:-1, 1, 1] / 4, down[1:-1], atol=0.6)


def test_processes_get_their_part_of_a_step() -> None:
    images = coordinates(9)
    crop = ResizedCrop(flip=True, area=0.2, size=(8, 8))
    whole = crop(images, seed=5)
    parts = [crop(images[:5], 5, 0, 9), crop(images[5:], 5, 5, 9)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    np.testing.assert_array_equal(crop(images, seed=5), whole)
    assert not np.array_equal(crop(images, seed=6), whole)


def test_half_are_mirrored_whatever_their_window() -> None:
    images = coordinates(200)
    plain = ResizedCrop(flip=False, area=0.2, size=(8, 8))(images, seed=5)
    either = ResizedCrop(flip=True, area=0.2, size=(8, 8))(images, seed=5)
    mirrored = np.array([not np.array_equal(a, b) for a, b in zip(plain, either, strict=True)])
    np.testing.assert_array_equal(either[mirrored], plain[mirrored][:, :, ::-1])
    assert 70 < mirrored.sum() < 130


def test_gray_and_elongated_images() -> None:
    crop = ResizedCrop(flip=True, area=0.9, size=(8, 8))
    assert crop(np.zeros((3, 20, 20, 1), dtype=np.uint8), seed=1).shape == (3, 8, 8, 1)
    # No window of nine tenths of it has an aspect of 4/3 or less: the centre's square.
    wide = np.zeros((1, 10, 40, 1), dtype=np.uint8)
    wide[:, :, 15:25] = 255
    assert (crop(wide, seed=1) == 255).all()
