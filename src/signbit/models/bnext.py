"""BNext-Tiny: binary convolutions scaled by an attention of their input and result.

Guo, Bethge, Meinel, Yang 2022, "Join the High Accuracy Club on ImageNet with A Binary Neural
Network Ticket", section 3, and its authors' code (hpi-xnor/BNext).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from signbit.nn.blocks import ChannelGate

if TYPE_CHECKING:
    from signbit.methods.base import Method

__all__ = ["BNextTiny"]

_WIDTHS = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)


class BNextTiny(nn.Module):
    """Real 3x3 stem, thirteen blocks (32 to 1024 channels), non-linearity, real classifier.

    The shape of MobileNet-V1: a block is a 3x3 layer and a 1x1 layer, or two of these side by side
    where the width doubles. But for the first time the image halves there. Every second 3x3 layer
    multiplies by its shortcut (the element-wise attention, ELM). For small images, 32x32, the stem
    does not halve the image.
    """

    def __init__(
        self, method: Method, *, classes: int, channels: int, small_images: bool = False
    ) -> None:
        super().__init__()
        self.input_size = (32, 32) if small_images else (224, 224)
        stride = 1 if small_images else 2
        self.stem = nn.Sequential(
            nn.Conv2d(channels, _WIDTHS[0], 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(_WIDTHS[0]),
        )
        blocks: list[nn.Module] = []
        for number, (before, width) in enumerate(pairwise(_WIDTHS), 1):
            halves = before != width and number > 1
            layer = ElementwiseLayer if number % 2 == 0 else RecoupledLayer
            blocks.append(layer(method, before, 3, 2 if halves else 1))
            points = [RecoupledLayer(method, before, 1) for _ in range(width // before)]
            blocks.append(SideBySide(*points) if len(points) > 1 else points[0])
        self.blocks = nn.Sequential(*blocks)
        self.nonlinearity = method.nonlinearity(_WIDTHS[-1])
        self.classifier = nn.Linear(_WIDTHS[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        features = self.nonlinearity(self.blocks(self.stem(x))).mean((2, 3))
        logits: Tensor = self.classifier(features)
        return logits


class RecoupledLayer(nn.Module):
    """BN(y * gate(s x + (1 - s) y)) + x, with y = nonlinearity(BN(binary convolution(x))).

    s is learnable, one for each channel, initially 0.5, and taken within [0, 1]. Where the stride
    is 2, x is averaged over 2x2 pixels but for the convolution.
    """

    def __init__(self, method: Method, channels: int, kernel_size: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = method.conv2d(channels, channels, kernel_size, stride, kernel_size // 2)
        self.norm = nn.BatchNorm2d(channels)
        self.nonlinearity = method.nonlinearity(channels)
        self.pool = nn.AvgPool2d(2) if stride == 2 else nn.Identity()
        self.share = nn.Parameter(torch.full((channels, 1, 1), 0.5))
        self.gate = ChannelGate(channels, channels, max(1, channels // 8), bias=True)
        self.out_norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        pooled: Tensor = self.pool(x)
        y: Tensor = self.out_norm(self.recoupled(x, pooled)) + pooled
        return y

    def recoupled(self, x: Tensor, pooled: Tensor) -> Tensor:
        """y * gate(s pooled + (1 - s) y)"""
        y: Tensor = self.nonlinearity(self.norm(self.conv(x)))
        share = self.share.clamp(0, 1)
        gate: Tensor = self.gate(share * pooled + (1 - share) * y)
        return y * gate


class ElementwiseLayer(RecoupledLayer):
    """BN(y * gate(s x + (1 - s) y) * r) + r, with r = nonlinearity(x): the layer with ELM."""

    def __init__(self, method: Method, channels: int, kernel_size: int, stride: int = 1) -> None:
        super().__init__(method, channels, kernel_size, stride)
        self.around = method.nonlinearity(channels)

    def forward(self, x: Tensor) -> Tensor:
        around: Tensor = self.pool(self.around(x))
        y: Tensor = self.out_norm(self.recoupled(x, self.pool(x)) * around) + around
        return y


class SideBySide(nn.Module):
    """What several layers make of the same input, behind one another."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([layer(x) for layer in self.layers], 1)
