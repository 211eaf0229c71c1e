"""RPReLU and Maxout on a CPU in one pass forward and one back; only the input is kept for backward.

Both have parameters for each channel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from signbit.fast.memory_format import arranged, is_channels_last, pixels_of
from signbit.fast.second_order import gradients_with_graph, wants_graph
from signbit.runtime import _native

__all__ = ["maxout", "rprelu"]


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
        return _computed(_native.training.rprelu, x, (before, slope, after))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, before, slope = ctx.saved_tensors
        if wants_graph():
            wanted = ctx.needs_input_grad
            graph = gradients_with_graph(_bent, (x, before, slope), wanted, gradient)
            return *graph, gradient.sum((0, 2, 3)) if wanted[3] else None
        return _gradients(_native.training.rprelu_gradients, x, gradient, (before, slope), 3)


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
        return _computed(_native.training.maxout, x, (negative, positive))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, negative, positive = ctx.saved_tensors
        if wants_graph():
            return gradients_with_graph(
                _chosen, (x, negative, positive), ctx.needs_input_grad, gradient
            )
        return _gradients(_native.training.maxout_gradients, x, gradient, (negative, positive), 2)


def _computed(kernel: Callable[..., None], x: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    """What `kernel` makes of x (N, C, H, W) and parameters (C,) each; memory as x."""
    pixels = pixels_of(x)
    y = torch.empty_like(pixels)
    kernel(*_arrays(pixels), *_plain(parameters), *_arrays(y), torch.get_num_threads())
    return arranged(y, is_channels_last(x))


def _gradients(
    kernel: Callable[..., None],
    x: Tensor,
    gradient: Tensor,
    parameters: Sequence[Tensor],
    count: int,
) -> tuple[Tensor, ...]:
    """The gradients of x and of `count` parameters, from that of the result."""
    pixels = pixels_of(x)
    of_x, of_parameters = torch.empty_like(pixels), x.new_empty((count, x.shape[1]))
    kernel(
        *_arrays(pixels, pixels_of(gradient)),
        *_plain(parameters),
        *_arrays(of_x),
        of_parameters,
        torch.get_num_threads(),
    )
    return arranged(of_x, is_channels_last(x)), *of_parameters.unbind()


def _arrays(*pixels: Tensor) -> list[Tensor]:
    """(N, H, W, C) as the kernels take them: (images, pixels, channels)."""
    return [each.flatten(1, 2) for each in pixels]


def _plain(parameters: Sequence[Tensor]) -> list[Tensor]:
    return [each.detach().contiguous() for each in parameters]
