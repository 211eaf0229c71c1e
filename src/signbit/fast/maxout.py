"""Maxout on a CPU in one pass forward and one back; only its input is kept for backward."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from signbit.fast.by_channel import computed, gradients
from signbit.fast.second_order import gradients_with_graph, wants_graph
from signbit.runtime import _native

__all__ = ["maxout"]


def maxout(x: Tensor, negative: Tensor, positive: Tensor) -> Tensor:
    """x times (x < 0 ? negative[c] : positive[c]); memory as x.

    x (N, C, H, W) float32 on a CPU, the others (C,). The result has the bits that PyTorch's own
    operations give, and gradients reach all three.
    """
    result: Tensor = _Maxout.apply(x, negative, positive)  # type: ignore[no-untyped-call]
    return result


def _chosen(x: Tensor, negative: Tensor, positive: Tensor) -> Tensor:
    return x * torch.where(x < 0, negative.reshape(-1, 1, 1), positive.reshape(-1, 1, 1))


class _Maxout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, negative: Tensor, positive: Tensor) -> Tensor:
        ctx.save_for_backward(x, negative, positive)
        return computed(_native.training.maxout, x, (negative, positive))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, negative, positive = ctx.saved_tensors
        if wants_graph():
            return gradients_with_graph(
                _chosen, (x, negative, positive), ctx.needs_input_grad, gradient
            )
        return gradients(_native.training.maxout_gradients, x, gradient, (negative, positive), 2)
