"""`signbit::sign_conv2d`: a layer's real input to the dots of its signs, in one pass.

What it keeps for backward: the signs as bits, and x, which the layer before keeps as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

import torch
from torch import Tensor

from signbit.fast.layer import Layer, LayerGradients, conv_backward, has_conv_backward
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


@torch.library.custom_op(
    "signbit::sign_conv2d",
    mutates_args=(),
    schema="(Tensor x, Tensor? shift, Tensor weight_signs, str estimator, float[] parameters,"
    " int[2] stride, int[2] padding, int[2] dilation, int groups) -> (Tensor, Tensor)",
)
def _sign_conv2d(
    x: Tensor,
    shift: Tensor | None,
    weight_signs: Tensor,
    estimator: str,
    parameters: Sequence[float],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> tuple[Tensor, Tensor]:
    plan = _plan_of(x, weight_signs, (stride, padding, dilation), groups)
    pixels = pixels_of(x)
    signs = x.new_empty((*pixels.shape[:3], plan.sign_bytes), dtype=torch.uint8)
    dots = x.new_empty((len(x), *plan.out_size, len(weight_signs)))
    plan.run(
        pixels_of(weight_signs),
        pixels,
        None if shift is None else shift.detach().contiguous(),
        signs,
        dots,
        torch.get_num_threads(),
    )
    return arranged(dots, conv_is_channels_last(x, weight_signs)), signs


@_sign_conv2d.register_fake
def _(
    x: Tensor,
    shift: Tensor | None,
    weight_signs: Tensor,
    estimator: str,
    parameters: Sequence[float],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> tuple[Tensor, Tensor]:
    plan = _plan_of(x, weight_signs, (stride, padding, dilation), groups)
    pixels = x.new_empty((len(x), *plan.out_size, len(weight_signs)))
    dots = arranged(pixels, conv_is_channels_last(x, weight_signs))
    signs = x.new_empty((len(x), *x.shape[2:], plan.sign_bytes), dtype=torch.uint8)
    return dots, signs


def _setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    x, shift, weight_signs, ctx.estimator, ctx.parameters, *ctx.geometry, ctx.groups = inputs
    ctx.mark_non_differentiable(output[1])
    ctx.save_for_backward(x, shift, weight_signs, output[1])


def _backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
    x, shift, weight_signs, signs = ctx.saved_tensors
    if wants_graph():

        def dots(x: Tensor, shift: Tensor | None, weight_signs: Tensor) -> Tensor:
            moved = x if shift is None else x + shift[:, :, None, None]
            of_x = torch.ops.signbit.sign(moved, ctx.estimator, ctx.parameters)
            operands = (of_x, weight_signs, None, None, None)
            conv: Tensor = torch.ops.signbit.binary_conv2d(*operands, *ctx.geometry, ctx.groups)
            return conv

        inputs = (x, shift, weight_signs)
        return (*gradients_with_graph(dots, inputs, ctx.needs_input_grad, grad), *[None] * 6)
    layer = Layer(x, shift, signs, weight_signs, ctx.estimator, ctx.parameters)
    is_linear = x.shape[2:] == (1, 1)  # the kernels' register tiles are made for rows of pixels
    if is_linear or not has_conv_backward(ctx.geometry, ctx.groups):
        of_x, of_shift, of_weight = _convolution_backward(layer, grad, ctx.geometry, ctx.groups)
    else:
        backward = conv_backward(x, weight_signs, ctx.geometry)
        gradients = LayerGradients(layer)
        backward.run(
            pixels_of(grad), *layer.arguments(), gradients.arrays(), torch.get_num_threads()
        )
        of_x, of_shift, of_weight = gradients.tensors()
    return (of_x, of_shift, of_weight, *[None] * 6)


def _convolution_backward(
    layer: Layer, grad: Tensor, geometry: Sequence[Sequence[int]], groups: int
) -> tuple[Tensor, Tensor | None, Tensor]:
    """The gradients by PyTorch, from signs as floats: for groups, dilations, linear layers."""
    x, shift, threads = layer.x, layer.shift, torch.get_num_threads()
    moved = x if shift is None else x + shift[:, :, None, None]
    signs = (moved < 0).to(x.dtype).mul_(-2).add_(1)
    if x.shape[2:] == (1, 1) and layer.weight_signs.shape[2:] == (1, 1) and groups == 1:
        by_out = grad.flatten(1)
        of_signs = (by_out @ layer.weight_signs.flatten(1))[:, :, None, None]
        of_weight = (by_out.t() @ signs.flatten(1))[:, :, None, None]
    else:
        of_signs, of_weight, _ = torch.ops.aten.convolution_backward(
            *(grad, signs, layer.weight_signs, None, *geometry, False, [0, 0], groups),
            [True, True, False],
        )
    of_x = pixels_of(of_signs)
    of_shift = None if shift is None else torch.zeros_like(shift)
    shape = (len(x), x.shape[2] * x.shape[3], x.shape[1])
    _native.training.surrogate_gradient(
        *layer.surrogate(),
        pixels_of(x).reshape(shape),
        None if shift is None else shift.detach().contiguous(),
        of_x.view(shape),
        of_shift,
        threads,
    )
    channels_last = conv_is_channels_last(x, layer.weight_signs)
    return arranged(of_x, channels_last), of_shift, of_weight


_sign_conv2d.register_autograd(_backward, setup_context=_setup)


def sign_conv2d(
    x: Tensor,
    shift: Tensor | None,
    weight_signs: Tensor,
    scale: Tensor | None,
    surrogate: tuple[str, Sequence[float]],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    """scale[c] * conv2d(sign(x + shift), weight_signs), zero padding.

    x (N, in, H, W) float32 on a CPU, shift (N, in) or None, weight_signs (out, in / groups, kh, kw)
    of ±1, scale (out,) or None for 1; result (N, out, H', W'), in memory as `nn.Conv2d` gives it.
    Differentiable in x and the shift, as `surrogate`, the name of an estimator (one of SURROGATES)
    with its parameters, says, in the weight's signs and in its scale.
    """
    estimator, parameters = surrogate
    dots, _ = _sign_conv2d(
        *(x, shift, weight_signs, estimator, list(parameters)),
        *(stride, padding, dilation, groups),
    )
    scaled: Tensor = dots if scale is None else dots * scale.reshape(-1, 1, 1)
    return scaled
