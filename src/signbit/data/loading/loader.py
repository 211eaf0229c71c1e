"""Training batches: shuffled anew every epoch, shared out between processes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from signbit.data.loading.batches import image_batches
from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.seeds import derive_seed

__all__ = ["Batch", "Loader", "shard"]


@dataclass(frozen=True)
class Batch:
    """One process's part of a step: `images` uint8 (n, H, W, C), `labels` int64 (n,).

    `total` is the number of images of all processes in this step, of which this part starts at
    `first`; `seed` is for the step's augmentation.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    total: int
    first: int
    seed: int


def shard(count: int, rank: int, world: int) -> NDArray[np.int64]:
    """The part of 0 … count − 1 that process `rank` of `world` takes: every index exactly once."""
    return np.array_split(np.arange(count), world)[rank]


class Loader:
    """Training batches of an epoch, a function of (seed, epoch) alone.

    Every image is seen once per epoch: N images make ceil(N / batch_size) batches whose sizes
    differ by at most one, so that no tiny last batch upsets batch normalisation.
    """

    def __init__(
        self, dataset: ImageDataset, batch_size: int, seed: int, *, rank: int = 0, world: int = 1
    ) -> None:
        self.dataset = dataset
        self._seed = seed
        self._rank = rank
        self._world = world
        self.steps = -(-len(dataset) // batch_size)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """The batches of epoch `epoch` (from 0), in order."""
        generator = torch.Generator().manual_seed(derive_seed(self._seed, "order", epoch))
        order = torch.randperm(len(self.dataset), generator=generator).numpy()
        steps = np.array_split(order, self.steps)
        parts = [np.array_split(step, self._world) for step in steps]
        own = [part[self._rank] for part in parts]
        for step, images in enumerate(image_batches(self.dataset, own)):
            yield Batch(
                images=images,
                labels=self.dataset.labels[own[step]],
                total=len(steps[step]),
                first=sum(len(part) for part in parts[step][: self._rank]),
                seed=derive_seed(self._seed, "augment", epoch, step),
            )
