"""RPReLU on a CPU in one pass forward and one back; only its input is kept for backward."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from signbit.fast.by_channel import computed, gradients
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
        return computed(_native.training.rprelu, x, (before, slope, after))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, before, slope = ctx.saved_tensors
        if wants_graph():
            wanted = ctx.needs_input_grad
            graph = gradients_with_graph(_bent, (x, before, slope), wanted, gradient)
            return *graph, gradient.sum((0, 2, 3)) if wanted[3] else None
        return gradients(_native.training.rprelu_gradients, x, gradient, (before, slope), 3)
