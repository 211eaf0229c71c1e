"""BinaryDenseNet-28 and MeliusNet-22: layers that add channels, and layers that improve them.

Bethge, Yang, Bornstein, Meinel 2019, "Back to Simplicity: How to Train Accurate BNNs from
Scratch?"; Bethge, Bartz, Yang, Chen, Meinel 2020, "MeliusNet: Can Binary Neural Networks Achieve
MobileNet-level Accuracy?". Both in the form of Larq Zoo.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from signbit.models.resnet_e import image_stem

if TYPE_CHECKING:
    from signbit.methods.base import Method

__all__ = ["BinaryDenseNet28", "MeliusNet22"]

_GROWTH = 64
_WIDTH = 64  # of the stem


class DenseLayer(nn.Module):
    """x and, behind it, 64 new channels of it: binary 3x3 convolution(nonlinearity(BN(x)))."""

    def __init__(self, method: Method, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.nonlinearity = method.nonlinearity(channels)
        self.conv = method.conv2d(channels, _GROWTH, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((x, self.conv(self.nonlinearity(self.norm(x)))), 1)


class ImprovementLayer(DenseLayer):
    """x, and what `DenseLayer` computes added to its last 64 channels."""

    def forward(self, x: Tensor) -> Tensor:
        better = self.conv(self.nonlinearity(self.norm(x)))
        return x + F.pad(better, (0, 0, 0, 0, x.shape[1] - _GROWTH, 0))


class _Densely(nn.Module):
    """Stem, sections with real 1x1 convolutions between them, BN, ReLU, real classifier."""

    def __init__(
        self,
        stem: nn.Module,
        sections: list[nn.Module],
        features: int,
        classes: int,
        *,
        small: bool,
    ) -> None:
        super().__init__()
        self.input_size = (32, 32) if small else (224, 224)
        self.stem = stem
        self.sections = nn.Sequential(*sections)
        self.norm = nn.BatchNorm2d(features)
        self.relu = nn.ReLU()
        self.classifier = nn.Linear(features, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.norm(self.sections(self.stem(x))))
        logits: Tensor = self.classifier(x.mean((2, 3)))
        return logits


class BinaryDenseNet28(_Densely):
    """Sections of 6, 6, 6 and 5 dense layers; a transition (BN, max pool, ReLU, real 1x1
    convolution) leaves 160, 192 and 256 channels."""

    layers = ((6, 160), (6, 192), (6, 256), (5, 0))
    """Of each section, and the channels that its transition leaves."""

    def __init__(
        self, method: Method, *, classes: int, channels: int, small_images: bool = False
    ) -> None:
        sections: list[nn.Module] = []
        width = _WIDTH
        for layers, reduced in self.layers:
            for _ in range(layers):
                sections.append(DenseLayer(method, width))
                width += _GROWTH
            if reduced:
                sections.append(_transition(width, reduced))
                width = reduced
        stem = image_stem(channels, _WIDTH, nn.ReLU(), small_images=small_images)
        super().__init__(stem, sections, width, classes, small=small_images)


class MeliusNet22(_Densely):
    """Sections of 4, 5, 4 and 4 blocks, each a dense layer and an improvement layer; transitions
    leave 160, 224 and 256 channels. The stem is three 3x3 convolutions, the last two in groups."""

    blocks = ((4, 160), (5, 224), (4, 256), (4, 0))
    """Of each section, and the channels that its transition leaves."""

    def __init__(
        self, method: Method, *, classes: int, channels: int, small_images: bool = False
    ) -> None:
        sections: list[nn.Module] = []
        width = _WIDTH
        for blocks, reduced in self.blocks:
            for _ in range(blocks):
                sections.append(DenseLayer(method, width))
                width += _GROWTH
                sections.append(ImprovementLayer(method, width))
            if reduced:
                sections.append(_transition(width, reduced))
                width = reduced
        stride = 1 if small_images else 2
        stem = nn.Sequential(
            *_normalised(nn.Conv2d(channels, 32, 3, stride, 1, bias=False)),
            *_normalised(nn.Conv2d(32, 32, 3, padding=1, groups=4, bias=False)),
            *_normalised(nn.Conv2d(32, _WIDTH, 3, padding=1, groups=8, bias=False)),
            nn.Identity() if small_images else nn.MaxPool2d(2),
        )
        super().__init__(stem, sections, width, classes, small=small_images)


def _normalised(conv: nn.Conv2d) -> tuple[nn.Module, ...]:
    return conv, nn.BatchNorm2d(conv.out_channels), nn.ReLU()


def _transition(width: int, reduced: int) -> nn.Module:
    return nn.Sequential(
        nn.BatchNorm2d(width),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(width, reduced, 1, bias=False),
    )
