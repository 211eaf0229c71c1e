"""The mean of magnitudes over a convolution's windows, XNOR-Net's K, and products with it.

Their gradients take one pass each over the activations, and K's is that of a pool: PyTorch's
gradient of a convolution of one channel costs more than all else in such a layer.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from signbit.fast.memory_format import arranged, is_channels_last, pixels_of
from signbit.fast.second_order import gradients_with_graph, wants_graph
from signbit.runtime import _native

__all__ = ["times_map", "with_window_means"]

_Sizes = tuple[int, int]
_Geometry = tuple[_Sizes, _Sizes, _Sizes]


def with_window_means(x: Tensor, kernel: _Sizes, geometry: _Geometry) -> tuple[Tensor, Tensor]:
    """x (N, C, H, W), which one operation alone must use, and its means (N, 1, H', W').

    The means are of abs(x), over channels and windows; geometry is stride, padding and dilation;
    zeros lie around the image and count. Their gradient is added to that of x in place.
    """
    same: Tensor
    means: Tensor
    same, means = _WithWindowMeans.apply(x, kernel, geometry)  # type: ignore[no-untyped-call]
    return same, means


def times_map(y: Tensor, means: Tensor) -> Tensor:
    """y (N, C, H, W) times a map (N, 1, H, W), by PyTorch's operation; gradients by one pass."""
    result: Tensor = _TimesMap.apply(y, means)  # type: ignore[no-untyped-call]
    return result


def _means(x: Tensor, kernel: _Sizes, geometry: _Geometry) -> Tensor:
    box = x.new_full((1, 1, *kernel), 1 / math.prod(kernel))
    return F.conv2d(x.abs().mean(1, keepdim=True), box, None, *geometry)


class _WithWindowMeans(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: _Sizes, geometry: _Geometry) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(x)
        ctx.kernel, ctx.geometry = kernel, geometry
        return x.view_as(x), _means(x, kernel, geometry)

    @staticmethod
    def backward(ctx: Any, of_x: Tensor, grad: Tensor) -> tuple[Tensor | None, ...]:
        (x,) = ctx.saved_tensors
        stride, padding, dilation = ctx.geometry
        pools = all(2 * pad <= size for pad, size in zip(padding, ctx.kernel, strict=True))
        if wants_graph() or not pools or dilation != (1, 1):
            with torch.enable_grad():
                (graph,) = gradients_with_graph(
                    lambda x: _means(x, ctx.kernel, ctx.geometry), (x,), (True,), grad
                )
            assert graph is not None
            return of_x + graph, None, None
        image = x.new_empty((len(x), 1, *x.shape[2:]))
        of_means = torch.ops.aten.avg_pool2d_backward(
            grad.contiguous(), image, ctx.kernel, stride, padding, False, True, None
        )
        pixels = pixels_of(of_x)  # the gradient itself, as the native operations make it
        _native.training.add_by_sign(
            pixels_of(x).flatten(0, 2),
            of_means.flatten() / x.shape[1],
            pixels.view(-1, x.shape[1]),
            torch.get_num_threads(),
        )
        return arranged(pixels, is_channels_last(of_x)), None, None


class _TimesMap(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, y: Tensor, means: Tensor) -> Tensor:
        ctx.save_for_backward(y, means)
        return y * means

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        y, means = ctx.saved_tensors
        if wants_graph():
            return gradients_with_graph(torch.mul, (y, means), ctx.needs_input_grad, grad)
        pixels = pixels_of(y)
        of_y, of_means = torch.empty_like(pixels), y.new_empty(means.numel())
        _native.training.times_map_gradients(
            pixels.flatten(0, 2),
            means.detach().flatten(),
            pixels_of(grad).flatten(0, 2),
            of_y.flatten(0, 2),
            of_means,
            torch.get_num_threads(),
        )
        return arranged(of_y, is_channels_last(y)), of_means.view(means.shape)
