"""Convolutions of signs with one channel in each group: vectors over channels, tap by tap.

Nothing is kept for backward but x: its signs are made again, image by image.
"""

from __future__ import annotations

import torch
from torch import Tensor

from signbit.fast.layer import SignConvSettings, surrogate_of, value_of
from signbit.fast.memory_format import arranged, conv_is_channels_last, pixels_of
from signbit.runtime import _native

__all__ = ["depthwise_conv", "depthwise_gradients", "is_depthwise"]


def is_depthwise(x: Tensor, weight: Tensor, groups: int) -> bool:
    """Whether each of several channels of x (N, C, H, W) has one filter and is its own group."""
    return 1 < groups == x.shape[1] == len(weight)


def depthwise_conv(
    x: Tensor,
    shift: Tensor | None,
    divisor: Tensor | None,
    weight_signs: Tensor,
    scale: Tensor | None,
    border: Tensor | None,
    settings: SignConvSettings,
) -> Tensor:
    """conv2d(sign((x + shift) / divisor), scale * weight_signs) + border as `sign_conv2d`."""
    height, width = (
        (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
        for size, kernel, stride, padding, dilation in zip(
            x.shape[2:], weight_signs.shape[2:], *settings.geometry, strict=True
        )
    )
    y = x.new_empty((len(x), height, width, x.shape[1]))
    _native.training.depthwise(
        _input(x, shift, divisor, weight_signs, settings),
        None if scale is None else scale.detach().contiguous(),
        None if border is None else pixels_of(border),
        y,
        torch.get_num_threads(),
    )
    return arranged(y, conv_is_channels_last(x, weight_signs))


def depthwise_gradients(
    x: Tensor,
    shift: Tensor | None,
    divisor: Tensor | None,
    weight: Tensor,
    grad: Tensor,
    settings: SignConvSettings,
) -> tuple[Tensor, Tensor | None, Tensor | None, Tensor]:
    """The gradients of x, shift, divisor and the real weight (C, 1, kh, kw)."""
    n, channels, height, width = x.shape
    of_x = x.new_empty((n, height, width, channels))
    of_shift = None if shift is None else torch.zeros_like(shift)
    products = None if divisor is None else x.new_zeros((n, channels))
    of_weight = x.new_empty((*weight.shape[2:], channels))
    _native.training.depthwise_gradients(
        _input(x, shift, divisor, weight, settings),
        *surrogate_of(settings.estimator, settings.parameters),
        pixels_of(grad),
        of_x,
        of_shift,
        products,
        of_weight,
        torch.get_num_threads(),
    )
    channels_last = conv_is_channels_last(x, weight)
    of_divisor = None
    if products is not None and divisor is not None:
        of_divisor = -products.sum().reshape(divisor.shape)
    filters = arranged(of_weight.permute(2, 0, 1)[..., None].contiguous(), channels_last)
    return arranged(of_x, channels_last), of_shift, of_divisor, filters


def _input(
    x: Tensor,
    shift: Tensor | None,
    divisor: Tensor | None,
    weight: Tensor,
    settings: SignConvSettings,
) -> _native.training.DepthwiseInput:
    return _native.training.DepthwiseInput(
        pixels_of(x),
        None if shift is None else shift.detach().contiguous(),
        value_of(divisor),
        weight.detach()[:, 0].permute(1, 2, 0).contiguous(),
        *settings.geometry,
    )
