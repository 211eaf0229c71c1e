"""Small networks of moves, pools and pads put together at random, with layers between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from signbit.nn.layers import BinaryConv2d, BinaryLinear

__all__ = ["moves_net"]

_MOST_VALUES = 1500
"""Of one image's map, so that a network stays small."""

Move = Callable[[Tensor], Tensor]


def _signs(x: Tensor) -> Tensor:
    y: Tensor = torch.ops.signbit.sign(x, "clip", [])
    return y


class _Function(nn.Module):
    def __init__(self, function: Move) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class _Moves:
    """Draws modules that fit a value (channels, height, width)."""

    def __init__(self, random: np.random.Generator, shape: tuple[int, ...]) -> None:
        self.random = random
        self.channels, self.height, self.width = shape

    def one_of(self, *options: Any) -> Any:
        return options[self.random.integers(len(options))]

    def between(self, least: int, most: int) -> int:
        return int(self.random.integers(least, most + 1))

    def draw(self) -> nn.Module:
        kind = self.one_of(*_KINDS)
        made = getattr(self, kind)()
        return made if isinstance(made, nn.Module) else _Function(made)

    def part(self) -> Move:
        first = self.between(0, self.channels - 1)
        last = self.between(first + 1, self.channels)
        return lambda x: x[:, first:last]

    def swap(self) -> Move:
        at = self.between(0, self.channels)
        return lambda x: torch.cat((x[:, at:], x[:, :at]), 1) if 0 < at < x.shape[1] else x

    def join(self) -> Move:
        return self.one_of(
            lambda x: torch.cat((x, F.max_pool2d(x, 3, 1, 1)), 1),
            lambda x: torch.cat((F.relu(x), x), 1),
            lambda x: torch.cat((x, _signs(x), x), 1),
            lambda x: torch.cat((x, x), 1),
        )

    def shuffle(self) -> Move:
        if self.channels % 2:
            return lambda x: x
        return lambda x: F.channel_shuffle(x, 2)

    def up(self) -> Move:
        rows, columns = self.between(1, 2), self.between(1, 3)
        return lambda x: F.interpolate(x, scale_factor=(rows, columns))

    def down(self) -> Move:
        rows, columns = self.between(1, 2), self.between(1, 2)
        return lambda x: x[:, :, ::rows, ::columns]

    def square(self) -> Move:
        if self.height % 2 == self.width % 2 == 0:
            return lambda x: F.pixel_unshuffle(x, 2)
        return (lambda x: F.pixel_shuffle(x, 2)) if self.channels % 4 == 0 else (lambda x: x)

    def pad(self) -> Move:
        sides = [self.between(0, 2) for _ in range(4)]
        value = self.one_of(0.0, 0.0, 1.0, -1.0, 0.3)
        return lambda x: F.pad(x, sides, value=value)

    def zeros(self) -> Move:
        before, after = self.between(0, 2), self.between(0, 2)
        return lambda x: F.pad(x, (0, 0, 0, 0, before, after))

    def pool(self) -> nn.Module:
        kernel = self.between(1, 3)
        window = (kernel, self.between(1, 3), self.between(0, kernel // 2))
        ceil = bool(self.between(0, 1))
        counted = bool(self.between(0, 1))
        return self.one_of(
            nn.MaxPool2d(*window, ceil_mode=ceil),
            nn.MaxPool2d(kernel, 1, kernel // 2, dilation=self.between(1, 2), ceil_mode=ceil),
            nn.AvgPool2d(*window, ceil_mode=ceil, count_include_pad=counted),
        )

    def largest(self) -> Move:
        return lambda x: x - x.amax((2, 3), keepdim=True) / 2

    def maths(self) -> nn.Module:
        return self.one_of(nn.BatchNorm2d(self.channels), nn.Hardtanh(), nn.PReLU(self.channels))

    def sign(self) -> Move:
        return _signs

    def total(self) -> Move:
        return lambda x: x + F.avg_pool2d(x, 3, 1, 1)

    def conv(self) -> nn.Module:
        outputs, padding = self.between(1, 8), self.between(0, 1)
        size = 3 if min(self.height, self.width) + 2 * padding >= 3 else 1
        conv = self.one_of(BinaryConv2d, BinaryConv2d, nn.Conv2d)
        groups = 2 if outputs % 2 == self.channels % 2 == 0 and self.between(0, 1) else 1
        layer = conv(self.channels, outputs, size, padding=padding, groups=groups)
        return nn.Sequential(layer, nn.BatchNorm2d(outputs))


_KINDS = [
    name for name in vars(_Moves) if name[0] != "_" and name not in ("draw", "one_of", "between")
]


def moves_net(seed: int, size: tuple[int, int], length: int) -> nn.Module:
    """Images (N, 3, *size) to 4 scores, in evaluation mode, with the statistics of images."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    layers: list[nn.Module] = [nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6)]
    x = torch.randn(16, 3, *size)
    x = _run(layers, x)
    for _ in range(length):
        layer = _Moves(random, tuple(x.shape[1:])).draw()
        with torch.no_grad():
            try:
                after = layer.eval()(x)
            except RuntimeError:
                continue  # a window that does not fit
        if after[0].numel() <= _MOST_VALUES:
            layers.append(layer)
            x = _run([layer], x)
    head: list[nn.Module] = [nn.Flatten()]
    if random.integers(2):
        head = [nn.AdaptiveMaxPool2d(1), nn.Flatten()]
    features = head[0](x).flatten(1).shape[1]
    if random.integers(2):
        head.append(nn.BatchNorm1d(features))
    head.append([nn.Linear, BinaryLinear][random.integers(2)](features, 4))
    _run(head, x)
    return nn.Sequential(*layers, *head).eval()


@torch.no_grad()
def _run(layers: list[nn.Module], x: Tensor) -> Tensor:
    """The layers' result; normalisations take the statistics of their inputs."""
    for layer in layers:
        for norm in layer.modules():
            if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
                norm.momentum = 1.0
                norm.weight.copy_(torch.randn(norm.weight.shape) + 0.5)
                norm.bias.copy_(0.5 * torch.randn(norm.bias.shape))
        layer.train()(x)
        x = layer.eval()(x)
    return x
