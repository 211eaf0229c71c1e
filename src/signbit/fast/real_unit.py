"""A real convolution, its batch normalisation and a clip, whose backward makes them again.

PyTorch keeps the convolution's result and the normalisation's, each as large as the output. Here
only the input and the output are kept; the convolution is run once more, which for a stem of three
channels costs next to nothing. The arithmetic is PyTorch's own: results are equal bit for bit.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from signbit.fast.second_order import gradients_with_graph, wants_graph

__all__ = ["real_unit"]

_aten = torch.ops.aten


_Geometry = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
"""Stride, padding, dilation."""


def _convolve(x: Tensor, weight: Tensor, geometry: _Geometry, groups: int) -> Tensor:
    stride, padding, dilation = geometry
    return F.conv2d(x, weight, None, stride, padding, dilation, groups)


class _RealUnit(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        gamma: Tensor,
        beta: Tensor,
        running: tuple[Tensor, Tensor],
        momentum: float,
        eps: float,
        clip: bool,
        geometry: _Geometry,
        groups: int,
    ) -> Tensor:
        y: Tensor
        ctx.eps, ctx.clip, ctx.geometry, ctx.groups = eps, clip, geometry, groups
        real = _convolve(x, weight, geometry, groups)
        y, mean, deviation = _aten.native_batch_norm(
            real, gamma, beta, *running, True, momentum, eps
        )
        if clip:
            y = F.hardtanh(y)
        ctx.save_for_backward(x, weight, gamma, beta, mean, deviation, y if clip else None)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, gamma, beta, mean, deviation, y = ctx.saved_tensors
        if wants_graph():

            def unit(x: Tensor, weight: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
                real = _convolve(x, weight, ctx.geometry, ctx.groups)
                result = F.batch_norm(real, None, None, gamma, beta, True, 0.0, ctx.eps)
                return F.hardtanh(result) if ctx.clip else result

            inputs = (x, weight, gamma, beta)
            return *gradients_with_graph(unit, inputs, ctx.needs_input_grad, grad), *[None] * 6
        if y is not None:
            grad = _aten.hardtanh_backward(grad, y, -1.0, 1.0)
        real = _convolve(x, weight, ctx.geometry, ctx.groups)
        of_real, of_gamma, of_beta = _aten.native_batch_norm_backward(
            *(grad, real, gamma, None, None, mean, deviation, True, ctx.eps, [True, True, True])
        )
        of_x, of_weight, _ = _aten.convolution_backward(
            *(of_real, x, weight, None, *ctx.geometry, False, [0, 0], ctx.groups),
            [ctx.needs_input_grad[0], ctx.needs_input_grad[1], False],
        )
        return of_x, of_weight, of_gamma, of_beta, *[None] * 6


def real_unit(conv: nn.Conv2d, norm: nn.BatchNorm2d, clip: bool, x: Tensor) -> Tensor:
    """norm(conv(x)) in training, clipped to [-1, 1] if `clip`; moves norm's running statistics.

    x (N, in, H, W); conv pads with zeros and has no bias; norm is affine, with running statistics
    and a momentum. Gradients reach x and all weights.
    """
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert norm.num_batches_tracked is not None
    norm.num_batches_tracked.add_(1)
    result: Tensor = _RealUnit.apply(  # type: ignore[no-untyped-call]
        *(x, conv.weight, norm.weight, norm.bias, (norm.running_mean, norm.running_var)),
        *(norm.momentum, norm.eps, clip, (conv.stride, conv.padding, conv.dilation), conv.groups),
    )
    return result
