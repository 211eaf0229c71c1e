"""RPReLU on a CPU in one pass forward and one back; only its input is kept for backward."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from signbit.fast.memory_format import arranged, is_channels_last, pixels_of
from signbit.fast.second_order import gradients_with_graph, wants_graph
from signbit.runtime import _native

__all__ = ["rprelu"]


def rprelu(x: Tensor, before: Tensor, slope: Tensor, after: Tensor) -> Tensor:
    """t > 0 ? t : slope[c]·t, plus after[c], where t = x + before[c]; memory as x.

    x (N, C, H, W) float32 on a CPU, the others (C,). The result has the bits that PyTorch's own
    operations give, and gradients reach all four.
    """
    result: Tensor = _RPReLU.apply(x, before, slope, after)  # type: ignore[no-untyped-call]
    return result


def _bent(x: Tensor, before: Tensor, slope: Tensor) -> Tensor:
    return F.prelu(x + before.reshape(-1, 1, 1), slope)


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
        return arranged(y, is_channels_last(x))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, before, slope = ctx.saved_tensors
        if wants_graph():
            wanted = ctx.needs_input_grad
            graph = gradients_with_graph(_bent, (x, before, slope), wanted, gradient)
            return *graph, gradient.sum((0, 2, 3)) if wanted[3] else None
        pixels = pixels_of(x)
        of_x = torch.empty_like(pixels)
        of_parameters = x.new_empty((3, len(before)))
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
        return arranged(of_x, is_channels_last(x)), of_before, of_slope, of_after
