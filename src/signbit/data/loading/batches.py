"""Batches of a data set by index: out of its decoded images, or decoded by worker processes."""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Iterator, Sequence
from multiprocessing.context import BaseContext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.readers import Read
from signbit.errors import DataError, InputError

__all__ = ["image_batches", "in_order"]


def image_batches(
    dataset: ImageDataset, chosen: Sequence[NDArray[np.int64]]
) -> Iterator[NDArray[np.uint8]]:
    """The images of each array of n indices in `chosen`: uint8 (n, H, W, C), in that order.

    The same for every `dataset.workers`. Raises DataError where an image cannot be decoded or a
    worker process dies, InputError where `dataset.read` cannot be sent to one.
    """
    if dataset.workers == 0:
        images = dataset.images
        return (np.take(images, indices, axis=0) for indices in chosen)
    return _from_workers(dataset, chosen)


def in_order(count: int, batch_size: int = 500) -> list[NDArray[np.int64]]:
    """0 … count − 1 in parts of `batch_size`, the last one smaller."""
    return np.split(np.arange(count), range(batch_size, count, batch_size))


class _Decoder(Dataset[Tensor | DataError]):
    """A batch for an array of indices. Errors are handed over: raised, they would be traces."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def __getitem__(self, indices: NDArray[np.int64]) -> Tensor | DataError:
        try:
            images = [self._read(int(index)) for index in indices]
        except DataError as error:
            return error
        if not images:
            return torch.empty((0, *self._read(0).shape), dtype=torch.uint8)
        # A tensor, because torch hands tensors over through shared memory.
        return torch.from_numpy(np.stack(images))


def _from_workers(
    dataset: ImageDataset, chosen: Sequence[NDArray[np.int64]]
) -> Iterator[NDArray[np.uint8]]:
    _require_sendable(dataset)
    loader: DataLoader[Tensor | DataError] = DataLoader(
        _Decoder(dataset.read),
        batch_size=None,  # the sampler's items are whole batches already
        sampler=chosen,
        num_workers=dataset.workers,
        multiprocessing_context=_context(),
        # Without one of its own it would draw from the global generator, and dropout would differ.
        generator=torch.Generator(),
    )
    try:
        for batch in loader:
            if isinstance(batch, DataError):
                raise batch
            yield batch.numpy()
    except RuntimeError as error:
        raise DataError(
            f"{dataset.source}: a process that decodes the {dataset.split} split died ({error}); "
            "it may have run out of memory: lower data.workers. Each process imports your script, "
            'if there is one: all that trains must stand under `if __name__ == "__main__":`'
        ) from error


def _context() -> BaseContext:
    """Processes that are not forks of this one.

    A fork has this process's locks as they were, and none of the threads (of OpenMP, the engine,
    whatever else was imported) that would open them. A server that never computes is forked
    instead; it has imported torch once for all of them.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _require_sendable(dataset: ImageDataset) -> None:
    try:
        pickle.dumps(dataset.read)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InputError(
            f"{dataset.source}: workers={dataset.workers} sends `read` to other processes, and it "
            f"cannot be sent ({error}); make it a function or an object of a class at the top of a "
            "module, or use workers=0"
        ) from error
