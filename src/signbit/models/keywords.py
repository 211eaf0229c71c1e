"""A network for spoken keywords in the shape of BiFSMN: memories along time, all binary.

Qin, Ma, Ding, Li, Zhang, Tian, Ma, Luo, Liu 2022, "BiFSMN: Binary Neural Network for Keyword
Spotting", and its authors' code (htqin/BiFSMN). Its thinnable depths and its distillation are not
here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from signbit.nn.layers import BinaryConv1d, BinaryConv2d

if TYPE_CHECKING:
    from signbit.methods.base import Method

__all__ = ["KeywordNet"]


class KeywordNet(nn.Module):
    """A picture of 32 bands by 32 steps of time, (N, channels, 32, 32), to logits.

    Real 5x5 stem and binary 5x5 convolution (16 and 32 channels), both of stride 2; a binary layer
    over all bands of a step makes 128 channels of it; then `layers` memory layers along the eight
    steps, and a real classifier of all of them.
    """

    input_size = (32, 32)

    def __init__(self, method: Method, *, classes: int, channels: int, layers: int = 8) -> None:
        super().__init__()
        bands, steps = (side // 4 for side in self.input_size)
        self.stem = nn.Sequential(
            nn.Conv2d(channels, 16, 5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(16),
            method.stem_nonlinearity(16),
        )
        self.conv = method.conv2d(16, 32, 5, stride=2, padding=2)
        self.norm = nn.BatchNorm2d(32)
        self.nonlinearity = method.nonlinearity(32)
        self.over_bands = BinaryConv2d(
            *(32, 128, (bands, 1)),
            weight_binarizer=method.weight_binarizer(128),
            activation_binarizer=method.activation_binarizer(32),
        )
        self.over_bands_norm = nn.BatchNorm2d(128)
        self.memories = nn.Sequential(*(MemoryLayer(method) for _ in range(layers)))
        self.classifier = nn.Linear(128 * steps, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.nonlinearity(self.norm(self.conv(self.stem(x))))
        x = self.over_bands_norm(self.over_bands(x)).squeeze(2)
        logits: Tensor = self.classifier(self.memories(x).flatten(1))
        return logits


class MemoryLayer(nn.Module):
    """x + memory(x), and that again with two 1x1 convolutions around 256 channels.

    The memory is a convolution of each channel by itself over five steps, BN and non-linearity.
    """

    def __init__(self, method: Method) -> None:
        super().__init__()
        self.memory = _conv1d(method, 128, 128, 5, groups=128)
        self.memory_norm = nn.BatchNorm1d(128)
        self.memory_nonlinearity = method.nonlinearity(128)
        self.widen = _conv1d(method, 128, 256, 1)
        self.wide_norm = nn.BatchNorm1d(256)
        self.wide_nonlinearity = method.nonlinearity(256)
        self.narrow = _conv1d(method, 256, 128, 1)
        self.norm = nn.BatchNorm1d(128)
        self.nonlinearity = method.nonlinearity(128)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.memory_nonlinearity(self.memory_norm(self.memory(x)))
        wide = self.wide_nonlinearity(self.wide_norm(self.widen(x)))
        y: Tensor = x + self.nonlinearity(self.norm(self.narrow(wide)))
        return y


def _conv1d(method: Method, before: int, width: int, kernel: int, groups: int = 1) -> BinaryConv1d:
    return BinaryConv1d(
        *(before, width, kernel, 1, kernel // 2, 1, groups),
        weight_binarizer=method.weight_binarizer(width),
        activation_binarizer=method.activation_binarizer(before),
    )
