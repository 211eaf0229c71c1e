"""RPReLU on a CPU in one pass forward and one back; only its input is kept for backward."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from signbit.ops.layer import pixels_of
from signbit.runtime import _native

__all__ = ["rprelu"]


def rprelu(x: Tensor, before: Tensor, slope: Tensor, after: Tensor) -> Tensor:
    """t > 0 ? t : slope[c]·t, plus after[c], where t = x + before[c]; channels-last memory.

    x (N, C, H, W) float32 on a CPU, the others (C,). The result has the bits that PyTorch's own
    operations give, and gradients reach all four.
    """
    result: Tensor = _RPReLU.apply(x, before, slope, after)  # type: ignore[no-untyped-call]
    return result


class _RPReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, before: Tensor, slope: Tensor, after: Tensor) -> Tensor:
        ctx.save_for_backward(x, before, slope)
        pixels = pixels_of(x)
        y = torch.empty_like(pixels)
        _native.training.rprelu(
            pixels.flatten(1, 2),
            before.detach().contiguous(),
            slope.detach().contiguous(),
            after.detach().contiguous(),
            y.flatten(1, 2),
            torch.get_num_threads(),
        )
        return y.permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x, before, slope = ctx.saved_tensors
        pixels = pixels_of(x)
        of_x = torch.empty_like(pixels)
        of_parameters = torch.empty((3, len(before)))
        _native.training.rprelu_gradients(
            pixels.flatten(1, 2),
            pixels_of(gradient).flatten(1, 2),
            before.detach().contiguous(),
            slope.detach().contiguous(),
            of_x.flatten(1, 2),
            of_parameters,
            torch.get_num_threads(),
        )
        of_before, of_slope, of_after = of_parameters.unbind()
        return of_x.permute(0, 3, 1, 2), of_before, of_slope, of_after
