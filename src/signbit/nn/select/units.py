"""When one native op may stand in for a convolution and its pool, normalisation, shortcut, clip."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from torch import Tensor, nn

from signbit.fast.binary_unit import MAX_INT16_TAPS, MAX_POOL
from signbit.fast.layer import has_conv_backward
from signbit.nn.binarizers.weights import BinaryWeight
from signbit.nn.select.context import Reason, context, evaluation, plain_tensor
from signbit.nn.select.layers import (
    binary_weight,
    geometry,
    out_size,
    plain_activation,
    sign_conv,
)
from signbit.nn.select.modules import altered, pytorch
from signbit.nn.select.norms import trained_norm

__all__ = ["binary_unit", "is_clip", "pool_window", "real_unit", "unit_weight"]


def binary_unit(
    layer: Any,
    forward: Callable[..., Any],
    norm: nn.Module,
    pool: nn.Module | None,
    x: Tensor | None = None,
    shortcut: Tensor | None = None,
) -> Reason:
    """Why a unit may not stand in for `layer`, a BinaryConv2d whose forward should be `forward`.

    `unit_weight` has to agree as well.
    """
    reason = (
        (None if x is None else context(x))
        or altered(layer, forward)
        or trained_norm(norm)
        or plain_activation(layer.activation_binarizer)
        or sign_conv(layer, None, None)
        or evaluation(layer, x)
    )
    if reason is not None:
        return reason
    if not has_conv_backward((layer.stride, layer.padding, layer.dilation), layer.groups):
        return "a unit has neither groups nor dilation"
    if layer.out_channels % 16:
        return "a unit has a multiple of 16 output channels"
    if layer.weight.shape[1:].numel() > MAX_INT16_TAPS:
        return f"a unit's filters have at most {MAX_INT16_TAPS} weights"
    window = pool_window(pool)
    if pool is not None:
        if not window:
            return f"a unit pools by maxima of windows that touch, up to {MAX_POOL} high"
        reason = pytorch(nn.MaxPool2d, pool)
    return reason or (None if x is None else _unit_input(layer, norm, window, x, shortcut))


def _unit_input(
    layer: Any, norm: nn.Module, window: int, x: Tensor, shortcut: Tensor | None
) -> Reason:
    if x.dim() != 4 or x.shape[1] != layer.in_channels or norm.num_features != layer.out_channels:
        return "input, convolution and normalisation differ in their channels"
    reason = geometry(layer, x)
    if reason is not None:
        return reason
    height, width = (size // window for size in out_size(layer, x))
    if min(height, width) < 1 or len(x) * height * width == 1:
        return "a single value per channel has no spread"
    if shortcut is None:
        return None
    if shortcut.shape != (len(x), layer.out_channels, height, width):
        return "the shortcut has another shape than the result"
    return plain_tensor("the shortcut", shortcut)


def unit_weight(layer: Any, weight: BinaryWeight) -> Reason:
    """Why a unit cannot take what the weight binarizer returned."""
    if weight.scale is not None and weight.scale.requires_grad:
        return "a unit gives its weight's scale no gradient"
    return binary_weight(layer.weight, weight)


def real_unit(conv: nn.Module, norm: nn.Module, x: Tensor | None = None) -> Reason:
    """Why a unit may not stand in for a real convolution without bias, and its normalisation.

    Such a unit has neither a pool nor a shortcut.
    """
    reason = (
        (None if x is None else context(x))
        or pytorch(nn.Conv2d, conv)
        or pytorch(nn.BatchNorm2d, norm)
        or trained_norm(norm)
    )
    if reason is not None:
        return reason
    conv = cast(nn.Conv2d, conv)
    if conv.bias is not None or conv.padding_mode != "zeros" or type(conv.padding) is not tuple:
        return "a unit's convolution has no bias, and numbers of zeros for padding"
    if cast(nn.BatchNorm2d, norm).num_features != conv.out_channels:
        return "convolution and normalisation differ in their channels"
    if x is not None:
        if x.dim() != 4 or 0 in x.shape or x.shape[1] != conv.in_channels:
            return "its input is no batch of images with its channels"
        height, width = out_size(conv, x)
        if min(height, width) < 1 or len(x) * height * width == 1:
            return "a single value per channel has no spread"
    return plain_tensor("its weight", conv.weight)


def is_clip(nonlinearity: nn.Module) -> bool:
    """Whether it is nn.Hardtanh(-1, 1), which a unit does itself."""
    if pytorch(nn.Hardtanh, nonlinearity) is not None:
        return False
    return cast(bool, nonlinearity.min_val == -1 and nonlinearity.max_val == 1)


def pool_window(pool: nn.Module | None) -> int:
    """Height and width of the pool's windows, where they touch; 1 without a pool, 0 otherwise."""
    if pool is None:
        return 1
    if type(pool) is not nn.MaxPool2d or pool.return_indices or pool.ceil_mode:
        return 0
    if pool.padding not in (0, (0, 0)) or pool.dilation not in (1, (1, 1)):
        return 0
    sizes = {*_pair(pool.kernel_size), *_pair(pool.stride)}
    size = sizes.pop() if len(sizes) == 1 else 0
    return size if size <= MAX_POOL else 0


def _pair(value: int | tuple[int, ...]) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value, value)
