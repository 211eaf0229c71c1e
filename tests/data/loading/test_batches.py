import os
import signal
from dataclasses import dataclass
from multiprocessing import forkserver
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from signbit.data import ImageDataset
from signbit.data.loading.batches import image_batches, in_order
from signbit.data.loading.readers import Decoded, Read
from signbit.errors import DataError, InputError

IMAGES = np.random.default_rng(1).integers(0, 256, (9, 3, 4, 3), dtype=np.uint8)


def dataset(workers: int, read: Read | None = None) -> ImageDataset:
    return ImageDataset(
        read or Decoded(IMAGES),
        np.zeros(9),
        ["a", "b"],
        source="here",
        split="train",
        workers=workers,
    )


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1, 2])
def test_any_number_of_workers_gives_the_same(workers: int) -> None:
    chosen = [np.array([3, 1]), np.array([], dtype=np.int64), np.array([8, 0, 8]), np.array([2])]
    torch.manual_seed(4)
    batches = list(image_batches(dataset(workers), chosen))
    drawn = torch.rand(3)
    assert len(batches) == 4
    for batch, indices in zip(batches, chosen, strict=True):
        assert batch.dtype == np.uint8
        np.testing.assert_array_equal(batch, IMAGES[indices])
    torch.manual_seed(4)
    assert torch.equal(drawn, torch.rand(3)), "the global generator was moved"


@dataclass
class Marking:
    """Writes each index that it is asked for into a file of the process that asks."""

    folder: Path

    def __call__(self, index: int) -> NDArray[np.uint8]:
        with open(self.folder / str(os.getpid()), "a") as file:
            file.write(f"{index} ")
        return IMAGES[index]


@pytest.mark.slow
def test_workers_are_other_processes_that_decode_anew(tmp_path: Path) -> None:
    opened = dataset(2, Marking(tmp_path))
    for _ in range(2):
        list(image_batches(opened, in_order(9, 2)))
    assert str(os.getpid()) not in os.listdir(tmp_path)
    said = " ".join(path.read_text() for path in tmp_path.iterdir())
    assert sorted(said.split()) == sorted("012345678" * 2)


def test_workers_are_forked_from_a_process_without_threads(tmp_path: Path) -> None:
    """Not from this one, whose threads (of OpenMP, of engines) a fork would lack."""
    list(image_batches(dataset(2, Marking(tmp_path)), in_order(9, 2)))
    server = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
    assert os.listdir(f"/proc/{server}/task") == [str(server)]


def test_what_cannot_be_sent_to_a_worker_is_refused() -> None:
    with pytest.raises(InputError, match=r"here: workers=1 sends `read` to other processes, and"):
        list(image_batches(dataset(1, lambda index: IMAGES[index]), in_order(9, 3)))


def unreadable(index: int) -> NDArray[np.uint8]:
    if index == 4:
        raise DataError("4.png: not a readable image")
    return IMAGES[index]


def test_an_image_that_cannot_be_decoded_is_named() -> None:
    with pytest.raises(DataError) as caught:
        list(image_batches(dataset(1, unreadable), in_order(9, 3)))
    assert str(caught.value) == "4.png: not a readable image"


def deadly(index: int) -> NDArray[np.uint8]:
    if index == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return IMAGES[index]


@pytest.mark.slow
def test_a_worker_that_dies_is_a_clear_error() -> None:
    with pytest.raises(DataError, match=r"here: a process that decodes the train split died"):
        list(image_batches(dataset(1, deadly), in_order(9, 3)))


@pytest.mark.parametrize(("count", "sizes"), [(7, [3, 3, 1]), (6, [3, 3]), (2, [2])])
def test_parts_in_order_cover_everything(count: int, sizes: list[int]) -> None:
    parts = in_order(count, 3)
    assert [len(part) for part in parts] == sizes
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(count))
