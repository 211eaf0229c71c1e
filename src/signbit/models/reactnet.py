"""ReActNet-A for 224x224 images: the shape of MobileNet-V1, with shortcuts.

Liu, Shen, Savvides, Cheng 2020, "ReActNet: Towards Precise Binary Neural Network with Generalized
Activation Functions". Its signs and non-linearities are the method's; ReActNet's ResNet-18 is
`signbit.models.resnet18` with that method.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from signbit.models.resnet18 import ResidualUnit
from signbit.nn.blocks import Stem

if TYPE_CHECKING:
    from signbit.methods.base import Method

__all__ = ["ReActNetA", "Repeat"]

_WIDTHS = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)


class ReActNetA(nn.Module):
    """Real 3x3 stem, thirteen blocks (32 to 1024 channels), real classifier.

    A block is a 3x3 and a 1x1 binary convolution, each with its own shortcut. From 64 channels on,
    where the width doubles, the image halves: the shortcut is then a 2x2 average pool.
    """

    input_size = (224, 224)

    def __init__(self, method: Method, *, classes: int, channels: int) -> None:
        super().__init__()
        self.stem = Stem(
            nn.Conv2d(channels, _WIDTHS[0], 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(_WIDTHS[0]),
            method.stem_nonlinearity(_WIDTHS[0]),
        )
        units: list[nn.Module] = []
        for before, width in pairwise(_WIDTHS):
            units += _block(method, before, width, halves=before != width and before >= 64)
        self.units = nn.Sequential(*units)
        self.classifier = nn.Linear(_WIDTHS[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.units(self.stem(x)).mean((2, 3)))
        return logits


class Repeat(nn.Module):
    """The channels twice, one copy behind the other: (N, C, H, W) to (N, 2C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((x, x), 1)


def _block(method: Method, before: int, width: int, *, halves: bool) -> list[nn.Module]:
    """Two units: 3x3, which may halve the image, then 1x1, which may double the width.

    The published code doubles it by two convolutions of the same signs, each with its own BN, adds
    the same shortcut to both and concatenates them. Filters and BN channels do not see each other,
    so that is one convolution with twice the filters, and a shortcut that is repeated.
    """
    around_spatial = nn.AvgPool2d(2) if halves else nn.Identity()
    around_point = Repeat() if width != before else nn.Identity()
    return [
        ResidualUnit(method, before, before, 2 if halves else 1, around_spatial),
        ResidualUnit(method, before, width, 1, around_point, kernel_size=1),
    ]
