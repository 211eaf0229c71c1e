import os
import threading
import time

import numpy as np
import pytest
from numpy.typing import NDArray

from signbit.data.pixels import decoding
from signbit.data.pixels.decoding import available_cores, batches, decoded
from signbit.errors import DataError


def numbered(index: int) -> NDArray[np.uint8]:
    return np.full((1, 1, 1), index % 256, dtype=np.uint8)


@pytest.mark.parametrize("count", [0, 1, 256, 700])
def test_images_come_in_order(count: int) -> None:
    assert [int(image[0, 0, 0]) for image in decoded(numbered, count)] == [
        index % 256 for index in range(count)
    ]


def test_threads_share_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "available_cores", lambda: 2)
    both = threading.Barrier(2)

    def read(index: int) -> NDArray[np.uint8]:
        both.wait(10)  # passes only if two images are being read at once
        return numbered(index)

    assert len(list(decoded(read, 4))) == 4


def test_the_first_error_is_raised() -> None:
    def read(index: int) -> NDArray[np.uint8]:
        if index >= 3:
            raise DataError(f"image {index}")
        return numbered(index)

    with pytest.raises(DataError, match="image 3"):
        list(decoded(read, 9))


def test_few_images_wait_and_none_is_begun_once_nobody_takes_them() -> None:
    begun: list[int] = []

    def read(index: int) -> NDArray[np.uint8]:
        begun.append(index)
        return numbered(index)

    taken = decoded(read, 10_000, ahead=20)
    for _ in range(50):
        next(taken)
    assert len(begun) <= 70
    taken.close()
    before = len(begun)
    time.sleep(0.05)
    assert len(begun) == before <= 70


@pytest.mark.parametrize(
    "bad", [set(), {0}, {63, 64}, {129}, set(range(100, 130)), set(range(130))]
)
def test_batches_leave_out_what_cannot_be_read(bad: set[int]) -> None:
    def read(index: int) -> NDArray[np.uint8]:
        if index in bad:
            raise DataError(f"image {index}")
        return numbered(index)

    told: list[str] = []
    found = list(batches(read, 130, (1, 1, 1), told.append))
    assert told == [f"image {index}" for index in sorted(bad)]
    assert [index for indices, _ in found for index in indices] == sorted({*range(130)} - bad)
    assert all(
        images.shape == (len(indices), 1, 1, 1) and len(indices) <= 64
        and images.ravel().tolist() == indices
        for indices, images in found
    )  # fmt: skip
    if bad:
        with pytest.raises(DataError, match=f"image {min(bad)}$"):
            list(batches(read, 130, (1, 1, 1), None))


def test_batches_of_large_images_are_small() -> None:
    shape = (3000, 3000, 1)
    image = np.zeros(shape, np.uint8)
    assert [len(part) for _, part in batches(lambda index: image, 3, shape, None)] == [1, 1, 1]


def test_cores_are_those_of_this_process() -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)
