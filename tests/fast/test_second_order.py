"""Gradients of gradients through native ops are PyTorch's."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from signbit.fast import use_native_ops
from signbit.nn.binarizers import ASD, MeanAbsScale, PlainSignActivation
from signbit.nn.blocks import normalised_conv
from signbit.nn.estimators import EDE, Polynomial
from signbit.nn.layers import BinaryConv2d, BinaryLinear
from signbit.nn.nonlinearities import Maxout, RPReLU


class Unit(nn.Module):
    def __init__(self, pool: nn.Module | None, adds_input: bool, **binarizers: nn.Module) -> None:
        super().__init__()
        self.conv = BinaryConv2d(16, 16, 3, padding=1, **binarizers)
        self.norm, self.pool, self.adds_input = nn.BatchNorm2d(16), pool, adds_input

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.adds_input else None
        return normalised_conv(self.conv, self.norm, nn.Hardtanh(), x, shortcut, pool=self.pool)


def asd() -> ASD:
    return ASD(16, 4, EDE(0.8, 0.8))


LAYERS = {
    "convolution": lambda: BinaryConv2d(
        16, 8, 3, activation_binarizer=PlainSignActivation(Polynomial())
    ),
    "shifted": lambda: BinaryConv2d(16, 8, 3, activation_binarizer=asd()),
    "groups": lambda: BinaryConv2d(16, 8, 3, groups=4, activation_binarizer=asd()),
    "linear": lambda: BinaryLinear(16, 8, activation_binarizer=asd()),
    "unit": lambda: Unit(None, True, activation_binarizer=asd()),
    "pooled": lambda: Unit(nn.MaxPool2d(2), False, weight_binarizer=MeanAbsScale()),
    "rprelu": lambda: RPReLU(16),
    "maxout": lambda: Maxout(16),
}


def penalty(layer: nn.Module, x: Tensor, native: bool) -> list[Tensor]:
    x = x.clone().requires_grad_()
    with use_native_ops(native):
        loss = layer(x).square().sum()
        wanted = [x, *layer.parameters()]
        gradients = torch.autograd.grad(loss, wanted, create_graph=True)
        total = sum(gradient.square().sum() for gradient in gradients)
        seconds = torch.autograd.grad(total, wanted, allow_unused=True)
    return [*gradients, *(torch.zeros(()) if each is None else each for each in seconds)]


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_of_gradients_are_those_of_the_modules(name: str) -> None:
    layer = LAYERS[name]()
    x = torch.randn(5, 16) if name == "linear" else torch.randn(3, 16, 6, 6)
    native = penalty(copy.deepcopy(layer), x, True)
    wanted = penalty(copy.deepcopy(layer).double(), x.double(), False)
    for mine, theirs in zip(native, wanted, strict=True):
        scale = float(theirs.detach().abs().max()) + 1e-12
        torch.testing.assert_close(mine.double(), theirs, rtol=0, atol=1e-4 * scale)
