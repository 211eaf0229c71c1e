"""Many images, decoded by as many threads as there are cores, a bounded number of them ahead."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from signbit.errors import DataError

__all__ = ["available_cores", "batches", "decoded"]

T = TypeVar("T")

# Images that wait to be taken; at 224×224 they are 38 MB.
_AHEAD = 256
_BATCH, _BATCH_BYTES = 64, 16 << 20


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def decoded(read: Callable[[int], T], count: int, ahead: int = _AHEAD) -> Generator[T, None, None]:
    """read(0) … read(count − 1) in order; Pillow decodes and resizes outside of Python's lock.

    At most `ahead` of them wait to be taken, so memory does not grow with the count. A loop that is
    left early, by an exception too, waits for the images in hand alone.
    """
    waiting: deque[Future[T]] = deque()
    pool = ThreadPoolExecutor(available_cores())
    try:
        for index in range(count):
            waiting.append(pool.submit(read, index))
            if len(waiting) == ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def batches(
    read: Callable[[int], NDArray[Any]],
    count: int,
    shape: tuple[int, int, int],
    skipped: Callable[[str], None] | None,
) -> Iterator[tuple[list[int], NDArray[Any]]]:
    """Images 0 … count − 1, decoded in batches: their indices, and an array (n, *shape).

    `read` gives an image of this shape. `skipped` is told why, where it raises DataError, and the
    image is left out; where `skipped` is None the error is raised.
    """

    def try_to_read(index: int) -> NDArray[Any] | DataError:
        try:
            return read(index)
        except DataError as error:
            return error

    size = min(max(_BATCH_BYTES // math.prod(shape), 1), _BATCH)
    indices: list[int] = []
    images: list[NDArray[Any]] = []
    for index, image in enumerate(decoded(try_to_read, count, 2 * size + available_cores())):
        if not isinstance(image, DataError):
            indices.append(index)
            images.append(image)
        elif skipped is None:
            raise image
        else:
            skipped(str(image))
        if len(images) == size or (images and index == count - 1):
            yield indices, np.stack(images)
            indices, images = [], []
