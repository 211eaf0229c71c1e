"""Non-linearities with parameters for each channel, made of operations that compilers know.

Inputs are (N, channels), (N, channels, L) or (N, channels, H, W); outputs have the same shape.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from signbit.errors import InputError
from signbit.fast.nonlinearities import maxout, rprelu
from signbit.nn import select
from signbit.nn.choices import takes

__all__ = ["DPReLU", "Maxout", "RPReLU"]


class RPReLU(nn.Module):
    """PReLU(x + before) + after: a PReLU whose corner lies anywhere, one for each channel.

    All learnable: before and after start at 0, PReLU's slope for negative values at 0.25.
    Liu et al. 2020, "ReActNet: Towards Precise Binary Neural Network with Generalized Activation
    Functions". Raises InputError for a channel count below 1.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        _require_channels("RPReLU", channels)
        self.before = nn.Parameter(torch.zeros(channels))
        self.prelu = nn.PReLU(channels)
        self.after = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        if takes(self, "rprelu", select.rprelu(self, x)):
            return rprelu(x, self.before, self.prelu.weight, self.after)
        y: Tensor = self.prelu(x + _by_channel(self.before, x)) + _by_channel(self.after, x)
        return y


class Maxout(nn.Module):
    """positive * relu(x) - negative * relu(-x), both factors learnable, one of each per channel.

    As (x < 0 ? negative : positive) * x, so the derivative at 0 is `positive`. They start at 1 and
    0.25 and are not bounded: with a factor below 0 it is not monotone. Tu et al. 2022, "AdaBin:
    Improving Binary Neural Networks with Adaptive Binary Sets". Raises InputError for a channel
    count below 1.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        _require_channels("Maxout", channels)
        self.positive = nn.Parameter(torch.ones(channels))
        self.negative = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x: Tensor) -> Tensor:
        if takes(self, "maxout", select.maxout(self, x)):
            return maxout(x, self.negative, self.positive)
        negative, positive = _by_channel(self.negative, x), _by_channel(self.positive, x)
        return x * torch.where(x < 0, negative, positive)

    def extra_repr(self) -> str:
        return f"{len(self.positive)}"


class DPReLU(nn.Module):
    """Maxout(x - before) - after: a corner anywhere and a slope on each side, one per channel.

    All learnable: before and after start at 0, the slopes at 1 and, for negative values, 0.25.
    Zhang, Zhang, Lew 2022, "PokeBNN: A Binary Pursuit of Lightweight Accuracy". Raises InputError
    for a channel count below 1.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        _require_channels("DPReLU", channels)
        self.before = nn.Parameter(torch.zeros(channels))
        self.maxout = Maxout(channels)
        self.after = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.maxout(x - _by_channel(self.before, x)) - _by_channel(self.after, x)
        return y


def _by_channel(values: Tensor, x: Tensor) -> Tensor:
    return values.reshape(-1, *(1,) * (x.dim() - 2))


def _require_channels(name: str, channels: int) -> None:
    if channels < 1:
        raise InputError(f"{name} needs channels >= 1, got {channels}")
