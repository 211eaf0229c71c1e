"""What networks are made of: a convolution, its normalisation, a shortcut, a non-linearity, a gate.

Owns the way from the modules one by one to the op that does the same in fewer passes and keeps less
for backward; when that may be is `select`'s business.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from signbit.errors import InputError
from signbit.fast.batch_norm import batch_norm
from signbit.fast.binary_unit import UnitSettings, binary_unit
from signbit.fast.layer import surrogate_of
from signbit.fast.nonlinearities import rprelu
from signbit.fast.real_unit import real_unit
from signbit.nn import select
from signbit.nn.binarizers.weights import BinaryWeight
from signbit.nn.choices import takes
from signbit.nn.layers import BinaryConv2d
from signbit.nn.shifts import shifted

__all__ = ["ChannelGate", "ConvBlock", "Stem", "normalised", "normalised_conv"]


class ConvBlock(nn.Sequential):
    """Convolution, max pool (optional), normalisation, non-linearity, as `normalised_conv`."""

    def forward(self, x: Tensor) -> Tensor:
        conv, *pool, norm, nonlinearity = self
        return normalised_conv(conv, norm, nonlinearity, x, pool=pool[0] if pool else None)


class Stem(ConvBlock):
    """A network's first block. While it trains its images become channels-last, which all that
    follows keeps: the memory that native ops work in.

    Evaluation leaves them as they are, for the sake of what is exported.
    """

    def forward(self, x: Tensor) -> Tensor:
        if self.training and x.dim() == 4:
            x = x.to(memory_format=torch.channels_last)
        return super().forward(x)


class ChannelGate(nn.Module):
    """sigmoid(W2 relu(W1 mean_hw(x))): one factor for each channel and image, to multiply with.

    Input (N, in_channels, H, W); output (N, out_channels, 1, 1), between 0 and 1. `hidden` is the
    number of rows of W1. bias: whether both layers have one. hard: hard-sigmoid instead, that is
    clamp(x + 3, 0, 6) / 6. Hu, Shen, Sun 2018, "Squeeze-and-Excitation Networks". Raises InputError
    for a count below 1.

    >>> x = torch.randn(8, 64, 14, 14)
    >>> (x * ChannelGate(64, 64, 8)(x)).shape
    torch.Size([8, 64, 14, 14])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        hidden: int,
        *,
        bias: bool = False,
        hard: bool = False,
    ) -> None:
        super().__init__()
        if min(in_channels, out_channels, hidden) < 1:
            raise InputError(
                "ChannelGate needs in_channels, out_channels and hidden >= 1, got "
                f"{in_channels}, {out_channels} and {hidden}"
            )
        self.squeeze = nn.Linear(in_channels, hidden, bias)
        self.relu = nn.ReLU()
        self.excite = nn.Linear(hidden, out_channels, bias)
        self.sigmoid = nn.Hardsigmoid() if hard else nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        gate: Tensor = self.sigmoid(self.excite(self.relu(self.squeeze(x.mean((2, 3))))))
        return gate.unsqueeze(-1).unsqueeze(-1)


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

    While norm trains, on a CPU in float32, one native op may compute everything up to the sum. Then
    `norm` is a BatchNorm2d, and `conv` is either a BinaryConv2d that native ops know, perhaps with
    a pool whose windows touch, or a real convolution without bias, pool and shortcut. The op also
    does nn.Hardtanh(-1, 1); any other non-linearity follows it. `select` has the rules, `why` says
    what came of them. The op is more exact than PyTorch's batch normalisation; otherwise its
    results differ from the modules' in rounding alone, and those of a real convolution not at all.
    """
    clip = select.is_clip(nonlinearity)
    if isinstance(conv, BinaryConv2d):
        reason = select.binary_unit(conv, BinaryConv2d.forward, norm, pool, x, shortcut)
        weight = conv.weight_binarizer(conv.weight) if reason is None else None
        if weight is not None:
            reason = select.unit_weight(conv, weight)
        if takes(conv, "binary_unit", reason):
            assert weight is not None
            assert isinstance(norm, nn.BatchNorm2d)
            window = select.pool_window(pool)
            unit = _native_unit(conv, weight, norm, clip, x, shortcut, window)
            return unit if clip else _bent(nonlinearity, unit)
        # Binarized once, whatever becomes of it: a binarizer may draw or count.
        y = conv(x) if weight is None else conv.convolve(x, weight)
    elif (
        pool is None
        and shortcut is None
        and takes(conv, "real_unit", select.real_unit(conv, norm, x))
    ):
        assert isinstance(conv, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        unit = real_unit(conv, norm, clip, x)
        return unit if clip else _bent(nonlinearity, unit)
    else:
        y = conv(x)
    return normalised(norm, nonlinearity, y if pool is None else pool(y), shortcut)


def normalised(
    norm: nn.Module, nonlinearity: nn.Module, x: Tensor, shortcut: Tensor | None = None
) -> Tensor:
    """nonlinearity(norm(x) + shortcut), the shortcut as x, by one native op where `select` lets it.

    The op does what `norm` does in training, but more exactly, the addition and nn.Hardtanh(-1, 1).
    """
    clip = select.is_clip(nonlinearity)
    if select.batch_norm(norm, x, shortcut) is None:
        assert isinstance(norm, nn.BatchNorm2d)
        y = batch_norm(x, norm, shortcut, clip, select.join_of(norm))
        return y if clip else _bent(nonlinearity, y)
    y = norm(x)
    return _bent(nonlinearity, y if shortcut is None else y + shortcut)


def _bent(nonlinearity: nn.Module, x: Tensor) -> Tensor:
    """nonlinearity(x); a PReLU is an RPReLU that shifts nothing."""
    if isinstance(nonlinearity, nn.PReLU) and select.prelu(nonlinearity, x) is None:
        zeros = x.new_zeros(x.shape[1])
        return rprelu(x, zeros, nonlinearity.weight.expand(x.shape[1]), zeros)
    result: Tensor = nonlinearity(x)
    return result


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
    join = select.join_of(norm)
    return binary_unit(x, shift, weight.signs, weight.scale, norm, added, settings, join)


def _with_positive_scale(weight: BinaryWeight) -> BinaryWeight:
    """The same weight with a scale above 0, so that the largest dot gives the largest product."""
    if weight.scale is None:
        return weight
    direction = torch.where(weight.scale < 0, -1.0, 1.0).reshape(-1, 1, 1, 1)
    return BinaryWeight(weight.signs * direction, weight.scale.abs())
