"""Batched transforms in torch: pixels to [0, 1], augmentation (kornia), normalisation.

Augmentation comes before normalisation, so the border of a padded crop is black.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["Augmentation", "Normalization", "to_unit"]


def to_unit(images: Tensor) -> Tensor:
    """uint8 (N, H, W, C) in 0 … 255 → float32 (N, C, H, W) in 0 … 1, contiguous."""
    return images.permute(0, 3, 1, 2).to(torch.float32).div(255.0).contiguous()


class Normalization(nn.Module):
    """(x − mean) / std per channel, on float (N, C, H, W) in 0 … 1."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.std


class Augmentation(nn.Module):
    """Mirror with probability 1/2, then pad with black and cut a random window of the old size.

    On float (N, C, H, W) in 0 … 1; every image draws for itself. The result is a function of the
    batch and the seed alone, and the global generator is left as it was.
    """

    def __init__(self, size: tuple[int, int], *, flip: bool, crop_padding: int) -> None:
        from kornia import augmentation

        super().__init__()
        steps: list[nn.Module] = []
        if flip:
            steps.append(augmentation.RandomHorizontalFlip(p=0.5))
        if crop_padding:
            # "slice" copies pixels; the default "resample" would interpolate and is 4× slower.
            steps.append(augmentation.RandomCrop(size, padding=crop_padding, cropping_mode="slice"))
        self.steps = nn.Sequential(*steps)

    def forward(self, x: Tensor, seed: int) -> Tensor:
        if not len(self.steps):
            return x
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            # kornia draws on the CPU whatever the batch's device; seed only that generator.
            torch.default_generator.manual_seed(seed)
            result: Tensor = self.steps(x)
        return result
