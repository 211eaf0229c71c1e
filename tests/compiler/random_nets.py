"""Small networks put together at random out of the layers that the compiler takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from tests.compiler.nets import randomise
from torch import Tensor, nn

from signbit.nn.layers import BinaryConv2d, BinaryLinear
from signbit.nn.nonlinearities import RPReLU

__all__ = ["centre", "random_net"]


class _Sum(nn.Module):
    """What two branches of a value add up to, moved by one constant per channel."""

    def __init__(self, left: nn.Module, right: nn.Module, channels: int) -> None:
        super().__init__()
        self.left, self.right = left, right
        self.bias = nn.Parameter(torch.randn(channels, 1, 1))

    def forward(self, x: Tensor) -> Any:
        return self.left(x) + self.right(x) + self.bias


class _Joined(nn.Module):
    """Two branches of a value, one behind the other along the channels."""

    def __init__(self, left: nn.Module, right: nn.Module) -> None:
        super().__init__()
        self.left, self.right = left, right

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((self.left(x), self.right(x)), 1)


class _Random:
    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def chance(self, share: float = 0.5) -> bool:
        return bool(self.random.random() < share)

    def one_of(self, *options: Any) -> Any:
        return options[self.random.integers(len(options))]

    def after(self, channels: int) -> list[nn.Module]:
        """What stands behind a convolution."""
        layers: list[nn.Module] = [nn.BatchNorm2d(channels)] if self.chance(0.7) else []
        if self.chance():
            act = self.one_of(nn.ReLU, nn.Hardtanh, nn.PReLU, nn.LeakyReLU, nn.Sigmoid)
            layers.append(act())
            if isinstance(layers[-1], nn.ReLU | nn.Sigmoid):
                layers.append(nn.BatchNorm2d(channels))  # or all signs behind it are +1
        elif self.chance(0.3):
            layers.append(RPReLU(channels))
        return layers

    def conv(self, inputs: int, outputs: int, stride: int = 1) -> nn.Module:
        if self.chance(0.6):
            return BinaryConv2d(inputs, outputs, 3, stride, 1)
        size = self.one_of(1, 3)
        bias = self.chance()
        return nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=bias)

    def block(self, inputs: int) -> tuple[nn.Module, int]:
        """A block and its channels; it may halve the map."""
        kind = self.one_of("plain", "plain", "sum", "joined", "pool")
        if kind == "sum":
            branch = nn.Sequential(self.conv(inputs, inputs), *self.after(inputs))
            other: nn.Module = nn.Identity()
            if self.chance(0.3):
                other = nn.Sequential(nn.Conv2d(inputs, inputs, 1), nn.BatchNorm2d(inputs))
            return nn.Sequential(_Sum(branch, other, inputs), *self.after(inputs)), inputs
        if kind == "joined":
            left, right = (
                nn.Sequential(BinaryConv2d(inputs, inputs, 1), nn.BatchNorm2d(inputs))
                for _ in range(2)
            )
            return _Joined(left, right), 2 * inputs
        outputs = int(self.random.integers(3, 13))
        pools: list[nn.Module] = [self.one_of(nn.MaxPool2d, nn.AvgPool2d)(2)]
        steps = self.after(outputs)
        pool = pools if kind == "pool" else []
        layers = [*pool, *steps] if self.chance() else [*steps, *pool]
        return nn.Sequential(self.conv(inputs, outputs), *layers), outputs

    def head(self, channels: int, side: int) -> nn.Module:
        layers: list[nn.Module] = []
        if self.chance():
            layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
            features = channels
        else:  # a convolution over the whole map
            features = int(self.random.integers(3, 20))
            bias = self.chance(0.7)
            layers += [nn.Conv2d(channels, features, side, bias=bias), nn.Flatten()]
        for _ in range(int(self.random.integers(0, 3))):
            wide = int(self.random.integers(3, 20))
            kind = self.one_of(BinaryLinear, nn.Linear, nn.Linear)
            layers.append(kind(features, wide))
            layers += [nn.BatchNorm1d(wide)] if self.chance() else []
            centred = [nn.ReLU(), nn.BatchNorm1d(wide)]  # or all signs behind it are +1
            layers += self.one_of([], [], centred, [nn.Dropout()], [nn.Hardtanh()])
            features = wide
        return nn.Sequential(*layers, nn.Linear(features, 5))


def random_net(seed: int, side: int = 12) -> nn.Module:
    """Images (N, 3, side, side) to 5 logits, in evaluation mode, with weights as after training."""
    torch.manual_seed(seed)
    random = _Random(seed)
    channels = int(random.random.integers(3, 13))
    layers: list[nn.Module] = []
    if random.chance(0.75):
        bias = random.chance()
        layers = [nn.Conv2d(3, channels, 3, padding=1, bias=bias), *random.after(channels)]
    else:
        layers = [BinaryConv2d(3, channels, 3), *random.after(channels)]
    for _ in range(int(random.random.integers(1, 4))):
        block, channels = random.block(channels)
        layers.append(block)
    with torch.no_grad():
        last = nn.Sequential(*layers).eval()(torch.zeros(1, 3, side, side)).shape[-1]
    model = randomise(nn.Sequential(*layers, random.head(channels, last)), seed)
    centre(model, torch.randn(16, 3, side, side))
    return model


@torch.no_grad()
def centre(model: nn.Module, images: Tensor) -> None:
    """Give normalisations the statistics of images, so that the signs behind them vary."""
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    model.train()(images)
    model.eval()
