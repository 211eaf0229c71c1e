"""A binarizer's shift where it depends on the mean of its input, whose gradient costs one pass."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from signbit.fast.memory_format import arranged, is_channels_last, pixels_of
from signbit.fast.second_order import wants_graph
from signbit.nn.binarizers.activations import ActivationBinarizer
from signbit.runtime import _native

__all__ = ["shifted"]


def shifted(binarizer: ActivationBinarizer, x: Tensor) -> tuple[Tensor, Tensor | None]:
    """(x, binarizer.shift(x)) for x (N, C, H, W); one operation alone must use the x returned.

    Where the shift comes from the mean of x, the gradient of that mean is added to the gradient of
    x in place, and not, as PyTorch would, written out as large as x and then added.
    """
    if getattr(binarizer.shift, "__func__", None) is not ActivationBinarizer.shift:
        shift = binarizer.shift(x)
        return x, None if shift is None else _for_each(x, shift)
    same: Tensor
    mean: Tensor
    same, mean = _WithMean.apply(x)  # type: ignore[no-untyped-call]
    return same, _for_each(x, binarizer.shift_from_mean(mean))


def _for_each(x: Tensor, shift: Tensor) -> Tensor:
    return shift.to(x.dtype).expand(len(x), x.shape[1]).contiguous()


class _WithMean(torch.autograd.Function):
    """x and its mean over the image."""

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
