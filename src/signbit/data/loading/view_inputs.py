"""What a step of learning without labels is given: one view of each image, or two."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

import torch
from torch import Tensor

from signbit.data.loading.loader import Batch, Loader
from signbit.data.loading.prefetch import prefetched
from signbit.data.pixels.preprocessing import Preprocessing
from signbit.data.pixels.transforms import Normalization
from signbit.data.pixels.views import Views, to_device

__all__ = ["ViewInputs"]


class ViewInputs:
    """`count` independent views of a loader's images, a function of its seed, epoch and step.

    Labels are not looked at.
    """

    def __init__(
        self,
        loader: Loader,
        views: Views,
        count: int,
        preprocessing: Preprocessing,
        device: torch.device,
    ) -> None:
        self._loader = loader
        self._views = views
        self._count = count
        self._device = device
        self._normalize = Normalization(preprocessing.mean, preprocessing.std).to(device)

    def epoch(self, epoch: int) -> Generator[tuple[Tensor, ...], None, None]:
        """The steps of epoch `epoch` (from 0): tuples of real (n, C, H, W), normalised.

        In channels-last memory. Close it where it is left early: a thread works ahead.
        """
        batches = self._loader.epoch(epoch)
        if self._device.type == "cpu":
            # There the thread only reads: torch would start a second team of OpenMP threads in it,
            # beside the one that trains on the same cores.
            with closing(prefetched(batches)) as ready:
                yield from map(self._of, ready)
        else:
            with closing(prefetched(map(self._of, batches))) as prepared:
                yield from prepared

    @torch.no_grad()
    def _of(self, batch: Batch) -> tuple[Tensor, ...]:
        images = to_device(torch.from_numpy(batch.images), self._device)
        views = (
            self._views(images, batch.seed, view, batch.first, batch.total)
            for view in range(self._count)
        )
        return tuple(
            self._normalize(view).contiguous(memory_format=torch.channels_last) for view in views
        )
