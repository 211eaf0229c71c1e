"""What networks are made of: a binary convolution, its normalisation, a shortcut, a non-linearity.

Owns the choice between the modules one by one and the native op that does the same in fewer passes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from signbit.layers import BinaryConv2d
from signbit.ops.binary_unit import MAX_TAPS, binary_unit
from signbit.ops.layer import has_conv_backward
from signbit.ops.mean import shifted
from signbit.ops.switch import applies_to

__all__ = ["normalised_conv"]


def normalised_conv(
    conv: BinaryConv2d,
    norm: nn.Module,
    nonlinearity: nn.Module,
    x: Tensor,
    shortcut: Tensor | None = None,
) -> Tensor:
    """nonlinearity(norm(conv(x)) + shortcut); x (N, in, H, W), the shortcut shaped like the result.

    Training on a CPU in float32 it is one native op where `norm` is a BatchNorm2d, `nonlinearity`
    an identity or nn.Hardtanh(-1, 1), and the convolution one that native ops know. The op is more
    exact than PyTorch's batch normalisation; otherwise the two differ in rounding alone.
    """
    if _is_native(conv, norm, nonlinearity, x):
        assert isinstance(norm, nn.BatchNorm2d)
        return _native_unit(conv, norm, isinstance(nonlinearity, nn.Hardtanh), x, shortcut)
    y = norm(conv(x))
    result: Tensor = nonlinearity(y if shortcut is None else y + shortcut)
    return result


def _is_native(conv: BinaryConv2d, norm: nn.Module, nonlinearity: nn.Module, x: Tensor) -> bool:
    if not applies_to(x) or not conv.is_native(x):
        return False
    if type(norm) is not nn.BatchNorm2d or not norm.training or not norm.affine:
        return False
    if norm.momentum is None or not norm.track_running_stats:
        return False
    clips = type(nonlinearity) is nn.Hardtanh and (
        nonlinearity.min_val == -1 and nonlinearity.max_val == 1
    )
    if not clips and type(nonlinearity) is not nn.Identity:
        return False
    modules = (conv, norm, nonlinearity, conv.activation_binarizer)
    if any(module._forward_hooks or module._forward_pre_hooks for module in modules):
        return False  # they would not be called
    geometry = (conv.stride, conv.padding, conv.dilation)
    if not has_conv_backward(geometry, conv.groups) or conv.out_channels % 16 != 0:
        return False
    return conv.weight[0].numel() <= MAX_TAPS


def _native_unit(
    conv: BinaryConv2d, norm: nn.BatchNorm2d, clip: bool, x: Tensor, shortcut: Tensor | None
) -> Tensor:
    weight = conv.weight_binarizer(conv.weight)
    estimator = conv.activation_binarizer.estimator
    is_input = shortcut is x
    x, shift = shifted(conv.activation_binarizer, x)
    y, statistics = binary_unit(
        x,
        shift,
        weight.signs,
        weight.scale,
        norm.weight,
        norm.bias,
        None if is_input else shortcut,
        is_input,
        norm.eps,
        clip,
        estimator.name,
        list(estimator.parameters),
        conv.stride,
        conv.padding,
        conv.dilation,
        conv.groups,
    )
    _track(norm, statistics, weight.scale, y.numel() // y.shape[1])
    result: Tensor = y
    return result


@torch.no_grad()
def _track(norm: nn.BatchNorm2d, statistics: Tensor, scale: Tensor | None, count: int) -> None:
    """Move the running statistics as nn.BatchNorm2d does, whose variance is the unbiased one."""
    mean, variance = statistics
    if scale is not None:
        mean, variance = mean * scale, variance * scale.double().square()
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert norm.num_batches_tracked is not None
    assert norm.momentum is not None
    norm.running_mean.lerp_(mean.to(norm.running_mean.dtype), norm.momentum)
    unbiased = variance * (count / max(count - 1, 1))
    norm.running_var.lerp_(unbiased.to(norm.running_var.dtype), norm.momentum)
    norm.num_batches_tracked.add_(1)
