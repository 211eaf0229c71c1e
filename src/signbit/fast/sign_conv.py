"""A layer's real input to the dots of its signs, with their scales and offsets, in one pass.

What it keeps for backward: the signs as bits, and x, which the layer before keeps as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from signbit.fast.border import border_of, convolved_ones, ones_gradient
from signbit.fast.depthwise import depthwise_conv, depthwise_gradients, is_depthwise
from signbit.fast.layer import (
    Layer,
    LayerGradients,
    SignConvSettings,
    conv_backward,
    has_conv_backward,
    value_of,
)
from signbit.fast.memory_format import arranged, conv_is_channels_last, pixels_of
from signbit.fast.second_order import gradients_with_graph, wants_graph
from signbit.runtime import _native

__all__ = ["are_signs", "sign_conv2d", "sign_conv_plan"]

_Sizes = tuple[int, int]


@lru_cache(maxsize=64)
def sign_conv_plan(
    size: _Sizes,
    channels: _Sizes,
    kernel: _Sizes,
    stride: _Sizes,
    padding: _Sizes,
    dilation: _Sizes,
    groups: int,
) -> _native.training.SignConv:
    """The kernels' plan; raises InputError or ModelFileError for a size that they refuse."""
    return _native.training.SignConv(size, channels, kernel, stride, padding, dilation, groups)


def _plan_of(
    x: Tensor, weight: Tensor, geometry: Sequence[Sequence[int]], groups: int
) -> _native.training.SignConv:
    """The plan of a convolution of x (N, in, H, W) with weight (out, in / groups, kh, kw)."""
    stride, padding, dilation = (cast(_Sizes, tuple(pair)) for pair in geometry)
    return sign_conv_plan(
        (x.shape[2], x.shape[3]),
        (x.shape[1], weight.shape[0]),
        (weight.shape[2], weight.shape[3]),
        stride,
        padding,
        dilation,
        groups,
    )


def are_signs(values: Tensor) -> bool:
    """Whether all of a float32 tensor on a CPU are -1 or +1."""
    dense = values.detach()
    if dense.dim() == 4 and not dense.is_contiguous():
        dense = pixels_of(dense)
    return _native.training.are_signs(dense.contiguous().view(-1))


class _SignConv(torch.autograd.Function):
    # Not a torch.library op, whose calls cost 0.2 ms each in Python; nothing traces training steps.
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        shift: Tensor | None,
        divisor: Tensor | None,
        weight: Tensor,
        input_offset: Tensor | None,
        parts: tuple[Tensor, Tensor | None, Tensor | None],
        settings: SignConvSettings,
    ) -> Tensor:
        """`weight` is what the parts stand for: signs times scale, plus offset."""
        weight_signs, scale, offset = parts
        ctx.settings, ctx.are_signs = settings, scale is None and offset is None
        border = None
        if input_offset is not None:
            size = x.shape[2:]
            border = border_of(
                lambda _, weight, groups: convolved_ones(weight, size, settings.geometry),
                *(weight_signs, scale, offset, input_offset, size),
            )
        if is_depthwise(x, weight, settings.groups):
            ctx.save_for_backward(x, shift, divisor, weight, input_offset, None)
            return depthwise_conv(x, shift, divisor, weight_signs, scale, border, settings)
        plan = _plan_of(x, weight, settings.geometry, settings.groups)
        pixels = pixels_of(x)
        signs = x.new_empty((*pixels.shape[:3], plan.sign_bytes), dtype=torch.uint8)
        dots = x.new_empty((len(x), *plan.out_size, len(weight)))
        plan.run(
            pixels_of(weight_signs),
            pixels,
            None if shift is None else shift.detach().contiguous(),
            value_of(divisor),
            None if scale is None else scale.detach().contiguous(),
            None if offset is None else offset.detach().contiguous(),
            None if border is None else pixels_of(border),
            signs,
            dots,
            torch.get_num_threads(),
        )
        ctx.save_for_backward(x, shift, divisor, weight, input_offset, signs)
        return arranged(dots, conv_is_channels_last(x, weight_signs))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, shift, divisor, weight, input_offset, signs = ctx.saved_tensors
        settings: SignConvSettings = ctx.settings
        wants = ctx.needs_input_grad
        if wants_graph():
            inputs = (x, shift, divisor, weight, input_offset)
            found = gradients_with_graph(partial(_with_graph, settings), inputs, wants[:5], grad)
            return *found, None, None
        if signs is None:
            *of_input, of_weight = depthwise_gradients(x, shift, divisor, weight, grad, settings)
        else:
            layer = Layer(
                *(x, shift, divisor, signs, weight, settings.estimator, settings.parameters)
            )
            *of_input, of_weight = _layer_gradients(layer, grad, settings, ctx.are_signs)
        of_offset = None
        if input_offset is not None:
            by_tap = ones_gradient(_over_images(grad), weight, x.shape[2:], settings.geometry)
            of_weight.add_(input_offset * by_tap)
            of_offset = (by_tap * weight.sum(1, keepdim=True)).sum().reshape(input_offset.shape)
        return *of_input, of_weight, of_offset, None, None


def _layer_gradients(
    layer: Layer, grad: Tensor, settings: SignConvSettings, are_signs: bool
) -> tuple[Tensor, Tensor | None, Tensor | None, Tensor]:
    """The gradients of x, shift, divisor and the real weight."""
    gradients = LayerGradients(layer)
    is_linear = layer.x.shape[2:] == (1, 1)  # the kernels' register tiles are for rows of pixels
    if is_linear or not has_conv_backward(settings.geometry, settings.groups):
        of_weight = _convolution_backward(layer, grad, settings, gradients)
    else:
        backward = conv_backward(layer.x, layer.weight, settings.geometry, are_signs)
        backward.run(
            pixels_of(grad), *layer.arguments(), gradients.arrays(), torch.get_num_threads()
        )
        of_weight = gradients.of_weight()
    return *gradients.of_input(), of_weight


def _over_images(grad: Tensor) -> Tensor:
    """The sum of all images, (1, C, H, W): by a product, which PyTorch does in one fast pass."""
    n, channels, height, width = grad.shape
    total = grad.new_ones(1, n) @ pixels_of(grad).flatten(1)
    return total.reshape(1, height, width, channels).permute(0, 3, 1, 2)


def _with_graph(
    settings: SignConvSettings,
    x: Tensor,
    shift: Tensor | None,
    divisor: Tensor | None,
    weight: Tensor,
    input_offset: Tensor | None,
) -> Tensor:
    moved = _argument(x, shift, divisor)
    signs = torch.ops.signbit.sign(moved, settings.estimator, settings.parameters)
    conv: Tensor = torch.ops.signbit.binary_conv2d(
        *(signs, weight, None, None, None), *settings.geometry, settings.groups
    )
    if input_offset is None:
        return conv
    ones, by_tap = x.new_ones(1, 1, *x.shape[2:]), weight.sum(1, keepdim=True)
    return conv + input_offset * F.conv2d(ones, by_tap, None, *settings.geometry)


def _argument(x: Tensor, shift: Tensor | None, divisor: Tensor | None) -> Tensor:
    moved = x if shift is None else x + shift[:, :, None, None]
    return moved if divisor is None else moved / divisor


def _convolution_backward(
    layer: Layer, grad: Tensor, settings: SignConvSettings, gradients: LayerGradients
) -> Tensor:
    """The gradients by PyTorch, from signs as floats: for groups, dilations, linear layers."""
    x, shift, weight = layer.x, layer.shift, layer.weight.detach()
    signs = (_argument(x, shift, layer.divisor).detach() < 0).to(x.dtype).mul_(-2).add_(1)
    if x.shape[2:] == (1, 1) and weight.shape[2:] == (1, 1) and settings.groups == 1:
        by_out = grad.flatten(1)
        of_signs = (by_out @ weight.flatten(1))[:, :, None, None]
        of_weight = (by_out.t() @ signs.flatten(1))[:, :, None, None]
    else:
        of_signs, of_weight, _ = torch.ops.aten.convolution_backward(
            *(grad, signs, weight, None, *settings.geometry, False, [0, 0], settings.groups),
            [True, True, False],
        )
    gradients.of_x = pixels_of(of_signs)
    shape = (len(x), x.shape[2] * x.shape[3], x.shape[1])
    _native.training.surrogate_gradient(
        *layer.surrogate(),
        pixels_of(x).reshape(shape),
        None if shift is None else shift.detach().contiguous(),
        gradients.of_x.view(shape),
        gradients.of_shift,
        gradients.products,
        torch.get_num_threads(),
    )
    return arranged(of_weight.permute(0, 2, 3, 1).contiguous(), conv_is_channels_last(x, weight))


def sign_conv2d(
    x: Tensor,
    shift: Tensor | None,
    divisor: Tensor | None,
    weight: tuple[Tensor, Tensor | None, Tensor | None],
    input_offset: Tensor | None,
    settings: SignConvSettings,
) -> Tensor:
    """conv2d(sign((x + shift) / divisor) + input_offset, scale * signs + offset), zero padding.

    x (N, in, H, W) float32 on a CPU, shift (N, in) or None, divisor one value or None for 1; weight
    is signs (out, in / groups, kh, kw) of ±1, scale (out,) or None for 1, offset (out,) or None for
    0, which it is with groups; input_offset one value or None for 0. Result (N, out, H', W'), in
    memory as `nn.Conv2d` gives it, with the bits of `signbit.nn.functional.binary_conv2d`.
    Differentiable in all tensors, in x, shift and divisor as the estimator says.
    """
    signs, scale, offset = weight
    real = signs if scale is None else signs * scale.reshape(-1, 1, 1, 1)
    if offset is not None:
        real = real + offset.reshape(-1, 1, 1, 1)
    result: Tensor = _SignConv.apply(  # type: ignore[no-untyped-call]
        *(x, shift, divisor, real, input_offset, weight, settings)
    )
    return result
