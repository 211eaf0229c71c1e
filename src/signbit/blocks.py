"""What networks are made of: a convolution, its normalisation, a shortcut, a non-linearity.

Owns the choice between the modules one by one and the op that does the same in fewer passes and
keeps less for backward.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from signbit.binarizers.weights import BinaryWeight
from signbit.layers import BinaryConv2d
from signbit.ops.binary_unit import MAX_POOL, MAX_TAPS, UnitSettings, binary_unit
from signbit.ops.layer import has_conv_backward, surrogate_of
from signbit.ops.mean import shifted
from signbit.ops.real_unit import real_unit
from signbit.ops.switch import applies_to, has_hooks

__all__ = ["ConvBlock", "normalised_conv"]


class ConvBlock(nn.Sequential):
    """Convolution, max pool (optional), normalisation, non-linearity, as `normalised_conv`."""

    def forward(self, x: Tensor) -> Tensor:
        conv, *pool, norm, nonlinearity = self
        return normalised_conv(conv, norm, nonlinearity, x, pool=pool[0] if pool else None)


def normalised_conv(
    conv: nn.Module,
    norm: nn.Module,
    nonlinearity: nn.Module,
    x: Tensor,
    shortcut: Tensor | None = None,
    *,
    pool: nn.Module | None = None,
) -> Tensor:
    """nonlinearity(norm(pool(conv(x))) + shortcut); x (N, in, H, W), shortcut as the result.

    While norm trains, on a CPU in float32, everything up to the sum is one op where `norm` is a
    BatchNorm2d and `conv` either a BinaryConv2d that native ops know, `pool` being one of windows
    that touch, or a real convolution without bias, pool and shortcut; nn.Hardtanh(-1, 1) is a part
    of it, any other non-linearity follows. The native op is more exact than PyTorch's batch
    normalisation; otherwise results differ from those of the modules in rounding alone, those of a
    real convolution not at all.
    """
    if applies_to(x) and _can_fuse(conv, norm, pool):
        assert isinstance(norm, nn.BatchNorm2d)
        clip = _clips(nonlinearity)
        after: nn.Module = nn.Identity() if clip else nonlinearity
        if isinstance(conv, BinaryConv2d) and _is_native(conv, pool, x):
            weight = conv.weight_binarizer(conv.weight)
            if weight.scale is None or not weight.scale.requires_grad:
                unit = _native_unit(conv, weight, norm, clip, x, shortcut, _window(pool))
                return cast(Tensor, after(unit))
        if type(conv) is nn.Conv2d and pool is None and shortcut is None and _is_plain(conv):
            return cast(Tensor, after(real_unit(conv, norm, clip, x)))
    y = conv(x) if pool is None else pool(conv(x))
    y = norm(y)
    result: Tensor = nonlinearity(y if shortcut is None else y + shortcut)
    return result


def _can_fuse(conv: nn.Module, norm: nn.Module, pool: nn.Module | None) -> bool:
    """Whether the normalisation is such that the ops do the same, and nobody listens in."""
    silent = [conv, norm, pool, getattr(conv, "activation_binarizer", None)]
    if any(module is not None and has_hooks(module) for module in silent):
        return False
    if type(norm) is not nn.BatchNorm2d or not norm.training or not norm.affine:
        return False
    return norm.momentum is not None and norm.track_running_stats


def _clips(nonlinearity: nn.Module) -> bool:
    """Whether the non-linearity is the op's own clip."""
    if type(nonlinearity) is not nn.Hardtanh or has_hooks(nonlinearity):
        return False
    return nonlinearity.min_val == -1 and nonlinearity.max_val == 1


def _is_native(conv: BinaryConv2d, pool: nn.Module | None, x: Tensor) -> bool:
    geometry = (conv.stride, conv.padding, conv.dilation)
    return (
        conv.is_native(x)
        and has_conv_backward(geometry, conv.groups)
        and conv.out_channels % 16 == 0
        and conv.weight[0].numel() <= MAX_TAPS
        and 1 <= _window(pool) <= MAX_POOL
    )


def _is_plain(conv: nn.Conv2d) -> bool:
    return conv.bias is None and conv.padding_mode == "zeros" and type(conv.padding) is tuple


def _window(pool: nn.Module | None) -> int:
    """Height and width of the pool's windows, where they touch; 1 without a pool, 0 otherwise."""
    if pool is None:
        return 1
    if type(pool) is not nn.MaxPool2d or pool.return_indices or pool.ceil_mode:
        return 0
    if pool.padding not in (0, (0, 0)) or pool.dilation not in (1, (1, 1)):
        return 0
    sizes = {*_pair(pool.kernel_size), *_pair(pool.stride)}
    return sizes.pop() if len(sizes) == 1 else 0


def _pair(value: int | tuple[int, ...]) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value, value)


def _native_unit(
    conv: BinaryConv2d,
    weight: BinaryWeight,
    norm: nn.BatchNorm2d,
    clip: bool,
    x: Tensor,
    shortcut: Tensor | None,
    pool: int,
) -> Tensor:
    if pool > 1:
        weight = _with_positive_scale(weight)
    estimator = conv.activation_binarizer.estimator
    is_input = shortcut is x and pool == 1
    x, shift = shifted(conv.activation_binarizer, x)
    settings = UnitSettings(
        stride=conv.stride,
        padding=conv.padding,
        pool=pool,
        add_input=is_input,
        clip=clip,
        surrogate=surrogate_of(estimator.name, estimator.parameters),
    )
    added = None if is_input else shortcut
    return binary_unit(x, shift, weight.signs, weight.scale, norm, added, settings)


def _with_positive_scale(weight: BinaryWeight) -> BinaryWeight:
    """The same weight: a largest dot times a negative scale would be the smallest product."""
    if weight.scale is None:
        return weight
    direction = torch.where(weight.scale < 0, -1.0, 1.0).reshape(-1, 1, 1, 1)
    return BinaryWeight(weight.signs * direction, weight.scale.abs())
