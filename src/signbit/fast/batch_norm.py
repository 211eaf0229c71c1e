"""Batch normalisation of any reals, what is added to it and a clip, as one step on a CPU.

    y = clip(gamma · (x - mean) / sqrt(var + eps) + beta + shortcut)

Two native passes forward and two back, where PyTorch's modules take one or two for each operation.
Kept for backward are x and, with a clip, y.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from signbit.fast.memory_format import arranged, is_channels_last, pixels_of
from signbit.fast.second_order import gradients_with_graph, wants_graph
from signbit.runtime import _native

__all__ = ["Join", "batch_norm"]


@dataclass(frozen=True)
class Join:
    """How a normalisation over several processes makes one batch of their parts, in place."""

    statistics: Callable[[Tensor], object]
    """Float64 (2 · channels + 1,): means and variances of channels, and the values per channel."""
    gradients: Callable[[Tensor], object]
    """Float64 (2 · channels,): the gradients of gamma and of beta, to their sums."""


class _BatchNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        gamma: Tensor,
        beta: Tensor,
        shortcut: Tensor | None,
        norm: nn.BatchNorm2d,
        clip: bool,
        join: Join | None,
    ) -> Tensor:
        pixels = pixels_of(x)
        y = torch.empty_like(pixels)
        statistics = x.new_empty(2 * x.shape[1] + 1, dtype=torch.float64)
        _native.training.batch_norm(
            pixels.flatten(1, 2),
            gamma.detach(),
            beta.detach(),
            norm.eps,
            None if shortcut is None else pixels_of(shortcut),
            clip,
            y,
            statistics,
            norm.running_mean,
            norm.running_var,
            cast(float, norm.momentum),
            torch.get_num_threads(),
            None if join is None else partial(join.statistics, statistics),
        )
        ctx.eps, ctx.join, ctx.channels_last = norm.eps, join, is_channels_last(x)
        result = arranged(y, ctx.channels_last)
        ctx.save_for_backward(x, gamma, beta, statistics, result if clip else None)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, gamma, beta, statistics, y = ctx.saved_tensors
        wants = ctx.needs_input_grad
        if wants_graph():
            of_sum = grad if y is None else grad * (y.detach().abs() < 1)
            graph = gradients_with_graph(
                lambda x, gamma, beta: F.batch_norm(x, None, None, gamma, beta, True, 0.0, ctx.eps),
                *((x, gamma, beta), wants[:3], of_sum),
            )
            return *graph, of_sum if wants[3] else None, *[None] * 3
        pixels = pixels_of(x)
        of_x, of_gamma, of_beta = torch.empty_like(pixels), *torch.empty_like(gamma.expand(2, -1))
        clipped = wants[3] and y is not None
        of_shortcut = torch.empty_like(pixels) if clipped else None
        sums = torch.empty_like(statistics[:-1])
        _native.training.batch_norm_gradients(
            pixels.flatten(1, 2),
            gamma.detach(),
            beta.detach(),
            ctx.eps,
            statistics,
            None if y is None else pixels_of(y),
            pixels_of(grad),
            of_x,
            of_shortcut,
            of_gamma,
            of_beta,
            sums,
            torch.get_num_threads(),
            None if ctx.join is None else partial(ctx.join.gradients, sums),
        )
        added = grad if wants[3] else None
        if of_shortcut is not None:
            added = arranged(of_shortcut, ctx.channels_last)
        return arranged(of_x, ctx.channels_last), of_gamma, of_beta, added, *[None] * 3


class _JoinedBatchNorm(_BatchNorm):
    """Its gradients have none of their own, as those of the module over processes."""

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        return _BatchNorm.backward(ctx, grad)


def batch_norm(
    x: Tensor, norm: nn.BatchNorm2d, shortcut: Tensor | None, clip: bool, join: Join | None = None
) -> Tensor:
    """norm(x) + shortcut, clipped to [-1, 1] if `clip`; moves norm's running statistics.

    x (N, C, H, W) float32, the shortcut shaped like it, the result in memory as x; norm trains, is
    affine, with running statistics and a momentum. With `join` every process calls it equally
    often, and gradients have no gradients. Gradients reach x, the shortcut and norm's weight and
    bias.
    """
    assert norm.num_batches_tracked is not None
    norm.num_batches_tracked.add_(1)
    function = _BatchNorm if join is None else _JoinedBatchNorm
    result: Tensor = function.apply(  # type: ignore[no-untyped-call]
        *(x, norm.weight, norm.bias, shortcut, norm, clip, join)
    )
    return result
