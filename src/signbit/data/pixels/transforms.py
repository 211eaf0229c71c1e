"""Batched transforms in torch: pixels to [0, 1], normalisation. Augmentation comes before both."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["Normalization", "to_unit"]


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
