"""What a frozen backbone makes of images: computed once, or anew from augmented images.

Both kinds hand out (features, labels) batch by batch, epoch by epoch, to whatever learns on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from signbit.data.loading.batches import image_batches, in_order
from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.inputs import Inputs
from signbit.data.loading.loader import Loader
from signbit.data.loading.prefetch import prefetched
from signbit.data.loading.seeds import derive_seed
from signbit.data.pixels.augment import Augmentation
from signbit.data.pixels.preprocessing import Preprocessing
from signbit.data.pixels.resized_crop import ResizedCrop
from signbit.data.pixels.transforms import Normalization, to_unit

__all__ = ["AugmentedBatches", "Batch", "Batches", "CachedBatches", "Features", "extract"]

Batch = tuple[Tensor, Tensor]
"""features (n, width) and labels int64 (n,), on one device."""


class Batches(Protocol):
    """Training batches; the same epoch always has the same ones."""

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """The batches of epoch `epoch` (from 0), every image once."""


@dataclass(frozen=True)
class Features:
    """`values` float32 (N, width) and `labels` int64 (N,), in the data set's order, on one device.

    50,000 images of 1,024 features take 205 MB.
    """

    values: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Tensor) -> Features:
        """The images at `indices`, in that order."""
        indices = indices.to(self.labels.device)
        return Features(self.values[indices], self.labels[indices])


@torch.no_grad()
def extract(
    backbone: nn.Module,
    dataset: ImageDataset,
    preprocessing: Preprocessing,
    device: torch.device,
    *,
    batch_size: int = 100,
) -> Features:
    """The features of every image of `dataset`, brought to the network's input, not augmented.

    backbone: normalised float (N, C, H, W) to (N, width). It works in eval mode, so that no image
    depends on the others of its batch, and is then as before, but on `device`.
    """
    fitted = preprocessing.fit(dataset)
    normalize = Normalization(preprocessing.mean, preprocessing.std).to(device)
    was_training = backbone.training
    backbone.to(device).eval()
    batches = image_batches(fitted, in_order(len(fitted), batch_size))
    parts = []
    for images in batches:
        pixels = normalize(to_unit(torch.from_numpy(images).to(device)))
        # The memory order in which signs are convolved natively.
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        parts.append(backbone(pixels).float())
    backbone.train(was_training)
    return Features(torch.cat(parts), torch.from_numpy(fitted.labels).to(device))


class CachedBatches:
    """Batches of features that are computed already, in an order of the epoch's own."""

    def __init__(self, features: Features, batch_size: int, seed: int) -> None:
        self._features = features
        self._batch_size = batch_size
        self._seed = seed

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """See `Batches`; the last batch may be smaller."""
        seed = derive_seed(self._seed, "order of features", epoch)
        order = torch.randperm(len(self._features), generator=torch.Generator().manual_seed(seed))
        for start in range(0, len(order), self._batch_size):
            part = self._features.take(order[start : start + self._batch_size])
            yield part.values, part.labels


class AugmentedBatches:
    """Features of images that are cropped and mirrored anew in every epoch.

    As in the linear evaluation of MoCo: a random part of 8 … 100 % of the image, scaled to the
    network's input, mirrored with probability 1/2. Images up to 64×64 are padded by an eighth and
    cropped instead, as is usual for them. The backbone stays in eval mode and learns nothing.
    """

    def __init__(
        self,
        backbone: nn.Module,
        dataset: ImageDataset,
        preprocessing: Preprocessing,
        device: torch.device,
        batch_size: int,
        seed: int,
    ) -> None:
        height, width, _ = preprocessing.input_size
        augmentation: Augmentation | ResizedCrop
        if max(height, width) <= 64:
            augmentation = Augmentation(flip=True, crop_padding=max(height, width) // 8)
            stored = preprocessing
        else:
            augmentation = ResizedCrop(flip=True, area=0.08, size=(height, width))
            stored = preprocessing.as_square(preprocessing.square)
        loader = Loader(stored.fit(dataset), batch_size, seed)
        self._inputs = Inputs(loader, augmentation, preprocessing, device)
        self._backbone = backbone.to(device).eval()

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """See `Batches`; batch sizes differ by at most one."""
        # Closed here, so that the preparing thread ends with the epoch, however that ends.
        with closing(prefetched(self._inputs.epoch(epoch))) as batches:
            for batch in batches:
                with torch.no_grad():
                    features = self._backbone(batch.pixels).float()
                yield features, batch.labels
