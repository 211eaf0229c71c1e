"""The mean of magnitudes over a convolution's windows, XNOR-Net's K, whose gradient is a pool's.

PyTorch's gradient of a convolution of one channel costs more than all else in such a layer.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from signbit.fast.second_order import gradients_with_graph, wants_graph

__all__ = ["window_means"]

_Sizes = tuple[int, int]
_Geometry = tuple[_Sizes, _Sizes, _Sizes]


def window_means(x: Tensor, kernel: _Sizes, geometry: _Geometry) -> Tensor:
    """(N, 1, H', W') of x (N, C, H, W): abs(x), averaged over channels and windows.

    geometry is stride, padding and dilation; zeros lie around the image and count.
    """
    result: Tensor = _WindowMeans.apply(x, kernel, geometry)  # type: ignore[no-untyped-call]
    return result


def _means(x: Tensor, kernel: _Sizes, geometry: _Geometry) -> Tensor:
    box = x.new_full((1, 1, *kernel), 1 / math.prod(kernel))
    return F.conv2d(x.abs().mean(1, keepdim=True), box, None, *geometry)


class _WindowMeans(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: _Sizes, geometry: _Geometry) -> Tensor:
        ctx.save_for_backward(x)
        ctx.kernel, ctx.geometry = kernel, geometry
        return _means(x, kernel, geometry)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (x,) = ctx.saved_tensors
        stride, padding, dilation = ctx.geometry
        pools = all(2 * pad <= size for pad, size in zip(padding, ctx.kernel, strict=True))
        if wants_graph() or not pools or dilation != (1, 1):
            with torch.enable_grad():
                graph = gradients_with_graph(
                    lambda x: _means(x, ctx.kernel, ctx.geometry), (x,), (True,), grad
                )
            return *graph, None, None
        image = x.new_empty((len(x), 1, *x.shape[2:]))
        of_means = torch.ops.aten.avg_pool2d_backward(
            grad.contiguous(), image, ctx.kernel, stride, padding, False, True, None
        )
        return x.sgn().mul_(of_means / x.shape[1]), None, None
