"""What a training step is given: augmented, normalised pixels in the layout that it computes in.

On a CPU all of it is NumPy's, on one thread: torch would start a second team of OpenMP threads for
the thread that prepares, beside the one that trains on the same cores.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from signbit.data.loading.loader import Batch, Loader
from signbit.data.pixels.augment import Augmentation
from signbit.data.pixels.preprocessing import Preprocessing
from signbit.data.pixels.resized_crop import ResizedCrop
from signbit.data.pixels.transforms import Normalization, to_unit

__all__ = ["Inputs", "TrainingBatch", "normalized"]


@dataclass(frozen=True)
class TrainingBatch:
    """One process's part of a step.

    `pixels` are real (n, C, H, W), normalised, in channels-last memory; `labels` int64 (n,);
    `total` is the number of images of all processes in this step.
    """

    pixels: Tensor
    labels: Tensor
    total: int


class Inputs:
    """The training batches of an epoch on `device`: a function of the loader's seed and epoch."""

    def __init__(
        self,
        loader: Loader,
        augmentation: Augmentation | ResizedCrop,
        preprocessing: Preprocessing,
        device: torch.device,
    ) -> None:
        self._loader = loader
        self._augmentation = augmentation
        # Of torch's default type, which is the network's.
        self._mean = torch.tensor(preprocessing.mean).numpy()
        self._std = torch.tensor(preprocessing.std).numpy()
        self._device = device
        self._normalize = Normalization(preprocessing.mean, preprocessing.std).to(device)

    def epoch(self, epoch: int) -> Iterator[TrainingBatch]:
        """The batches of epoch `epoch` (from 0), in order."""
        for batch in self._loader.epoch(epoch):
            labels = torch.from_numpy(batch.labels).to(self._device)
            yield TrainingBatch(self._pixels(batch), labels, batch.total)

    def _pixels(self, batch: Batch) -> Tensor:
        images = self._augmentation(batch.images, batch.seed, batch.first, batch.total)
        if self._device.type == "cpu":
            return torch.from_numpy(normalized(images, self._mean, self._std)).permute(0, 3, 1, 2)
        # A quarter of the bytes go over the bus, and the arithmetic is free there.
        pixels: Tensor = self._normalize(to_unit(torch.from_numpy(images).to(self._device)))
        return pixels.contiguous(memory_format=torch.channels_last)


def normalized(
    images: NDArray[np.uint8], mean: NDArray[np.floating], std: NDArray[np.floating]
) -> NDArray[np.floating]:
    """(x/255 − mean)/std of uint8 (N, H, W, C), the same bits as `to_unit` and `Normalization`.

    The result has the type of `mean` and `std`, (C,) each; x/255 is float32 whatever they are.
    """
    count, height, width, channels = images.shape
    # A row of pixels at a time: along three channels alone every loop would be three steps long.
    rows = images.reshape(count * height, width * channels)
    result = np.divide(rows, np.float32(255)).astype(mean.dtype, copy=False)
    result -= np.tile(mean, width)
    result /= np.tile(std, width)
    return result.reshape(images.shape)
