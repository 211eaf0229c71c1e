import os
import threading

import numpy as np
import pytest
from numpy.typing import NDArray

from signbit.data.pixels import decoding
from signbit.data.pixels.decoding import available_cores, decoded
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


def test_cores_are_those_of_this_process() -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)
