"""Layers and inputs that tests of the rules share, and what being as the reference means."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from signbit.fast import use_native_ops
from signbit.nn.binarizers import BinaryWeight
from signbit.nn.binarizers.weights import WeightBinarizer
from signbit.nn.blocks import ConvBlock
from signbit.nn.choices import recorded_choices
from signbit.nn.estimators import sign
from signbit.nn.layers import BinaryConv2d


def conv(channels: int = 16, out: int = 16, **binarizers: Any) -> BinaryConv2d:
    return BinaryConv2d(channels, out, 3, padding=1, **binarizers)


def block(layer: nn.Module | None = None, *, pool: bool = False) -> ConvBlock:
    pools = [nn.MaxPool2d(2)] if pool else []
    return ConvBlock(layer or conv(), *pools, nn.BatchNorm2d(16), nn.Hardtanh())


def images() -> Tensor:
    return torch.randn(3, 16, 6, 6)


def reasons(module: nn.Module, x: Tensor) -> list[str | None]:
    with recorded_choices() as choices:
        module(x)
    return [choice.reason for choice in choices]


def assert_as_reference(module: nn.Module, x: Tensor, rtol: float = 1e-5) -> None:
    """Results, running statistics and gradients as with native ops switched off."""
    found = []
    for native in (True, False):
        one, leaf = copy.deepcopy(module), x.clone().requires_grad_()
        with use_native_ops(native):
            y = one(leaf)
            y.backward(torch.arange(y.numel()).reshape(y.shape).sin())
        gradients = [p.grad for p in one.parameters() if p.grad is not None]
        found.append([y.detach(), leaf.grad, *gradients, *(b.float() for b in one.buffers())])
    for mine, theirs in zip(*found, strict=True):
        scale = float(theirs.abs().nan_to_num().max()) + 1e-6
        torch.testing.assert_close(mine, theirs, rtol=rtol, atol=10 * rtol * scale, equal_nan=True)


class Returns(WeightBinarizer):
    """Whatever `make` makes of a weight: nothing on the class says what that is."""

    def __init__(self, make: Callable[[Tensor], BinaryWeight]) -> None:
        super().__init__()
        self.make = make
        self.scale = nn.Parameter(torch.rand(16))
        self.calls = 0

    def forward(self, weight: Tensor) -> BinaryWeight:
        self.calls += 1
        return self.make(weight)


def _with_zero(weight: Tensor) -> Tensor:
    return torch.sign(weight * (weight.detach().abs() > 0.01))


RETURNED = {
    "offset": lambda w: BinaryWeight(sign(w, "clip"), None, w.mean((1, 2, 3))),
    "zeros": lambda w: BinaryWeight(_with_zero(w) + 0 * w),
    "scaled signs": lambda w: BinaryWeight(0.5 * sign(w, "clip")),
    "reals": lambda w: BinaryWeight(w),
    "NaN": lambda w: BinaryWeight(sign(w, "clip") * torch.where(w == w.max(), torch.nan, 1.0)),
    "one scale for all": lambda w: BinaryWeight(sign(w, "clip"), w.abs().mean().reshape(1)),
}
