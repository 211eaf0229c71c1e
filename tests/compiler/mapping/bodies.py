"""Networks with one function of PyTorch's in the middle, of reals and of signs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from tests.compiler.nets import randomise
from torch import Tensor, nn

from signbit.nn.layers import BinaryConv2d

__all__ = ["Function", "before_signs", "few_fast", "of_reals", "of_signs", "signs"]

Function = Callable[[Tensor], Tensor]


def few_fast(values: Iterable[Any], fast: int = 3) -> list[Any]:
    """Parameters of a test, of which all but the first few are slow."""
    slow = pytest.mark.slow
    return [pytest.param(x, marks=[slow] if k >= fast else []) for k, x in enumerate(values)]


def signs(x: Tensor) -> Tensor:
    """+1 from 0 on, −1 below."""
    y: Tensor = torch.ops.signbit.sign(x, "clip", [])
    return y


class _Body(nn.Module):
    def __init__(self, channels: int, function: Function, behind: nn.Module) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)
        self.function = function
        self.behind = behind

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.behind(self.function(self.norm(self.stem(x))))
        return y


def _centred(body: _Body) -> nn.Module:
    """With random constants, and a stem whose values lie on both sides of 0."""
    randomise(body)
    x = body.stem(torch.randn(16, 3, 8, 8))
    with torch.no_grad():
        assert body.norm.running_mean is not None
        assert body.norm.running_var is not None
        body.norm.running_mean.copy_(x.mean((0, 2, 3)))
        body.norm.running_var.copy_(x.var((0, 2, 3)))
    return body


def of_reals(channels: int, function: Function) -> nn.Module:
    """The function of a normalised convolution's channels; its result is the network's."""
    torch.manual_seed(1)
    return _centred(_Body(channels, function, nn.Identity()))


def before_signs(
    channels: int, function: Function, size: tuple[int, int], padding: int = 1
) -> nn.Module:
    """The same, and a binary convolution reads the signs of its result.

    size: height and width of the image. padding: the convolution's own.
    """
    torch.manual_seed(1)
    after = function(torch.zeros(1, channels, *size)).shape[1]
    behind = nn.Sequential(BinaryConv2d(after, 5, 3, padding=padding), nn.BatchNorm2d(5), nn.ReLU())
    return _centred(_Body(channels, function, behind))


def of_signs(
    channels: int, function: Function, size: tuple[int, int], padding: int = 1
) -> nn.Module:
    """The same with the function of the signs, which should yield signs."""
    return before_signs(channels, lambda x: function(signs(x)), size, padding)
