"""The mean of an image's pixels, whose gradient costs one pass."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from signbit.fast.memory_format import arranged, is_channels_last, pixels_of
from signbit.fast.second_order import wants_graph
from signbit.runtime import _native

__all__ = ["with_mean"]


def with_mean(x: Tensor) -> tuple[Tensor, Tensor]:
    """x (N, C, H, W) and its mean (N, C) over the pixels; one operation alone must use that x.

    The gradient of the mean is added to the gradient of x in place, and not, as PyTorch would,
    written out as large as x and then added.
    """
    same: Tensor
    mean: Tensor
    same, mean = _WithMean.apply(x)  # type: ignore[no-untyped-call]
    return same, mean


class _WithMean(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.view_as(x), x.mean((2, 3))

    @staticmethod
    def backward(ctx: Any, of_x: Tensor, of_mean: Tensor) -> Tensor:
        n, channels, height, width = of_x.shape
        if wants_graph():
            return of_x + (of_mean / (height * width))[:, :, None, None]
        pixels = pixels_of(of_x)  # the gradient itself, as the native operations make it
        _native.training.add_by_channel(
            (of_mean / (height * width)).contiguous(),
            pixels.reshape(n, height * width, channels),
            torch.get_num_threads(),
        )
        return arranged(pixels, is_channels_last(of_x))
