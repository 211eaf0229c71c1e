"""Real-to-Binary ResNet-18: each binary convolution's channels are scaled by what its input says.

Martinez, Yang, Bulat, Tzimiropoulos 2020, "Training Binary Neural Networks with Real-to-Binary
Convolutions", figure 1 and section 4.3. Its teachers and stages are the recipe's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from signbit.models.resnet18 import averaged_shortcut
from signbit.models.resnet_e import image_stem
from signbit.nn.blocks import ChannelGate

if TYPE_CHECKING:
    from signbit.methods.base import Method

__all__ = ["RealToBinaryResNet18"]

_WIDTHS = (64, 128, 256, 512)
_UNITS = 4


class RealToBinaryResNet18(nn.Module):
    """Real stem, sixteen gated units in four stages (64 to 512 channels), real classifier.

    For small images, 32x32, the stem is a real 3x3 convolution, BN and non-linearity.
    """

    def __init__(
        self, method: Method, *, classes: int, channels: int, small_images: bool = False
    ) -> None:
        super().__init__()
        self.input_size = (32, 32) if small_images else (224, 224)
        nonlinearity = method.stem_nonlinearity(_WIDTHS[0])
        self.stem = image_stem(channels, _WIDTHS[0], nonlinearity, small_images=small_images)
        if small_images:
            self.stem.extend((nn.BatchNorm2d(_WIDTHS[0]), nonlinearity))
        units, before = [], _WIDTHS[0]
        for width in _WIDTHS:
            for _ in range(_UNITS):
                units.append(GatedUnit(method, before, width))
                before = width
        self.units = nn.Sequential(*units)
        self.classifier = nn.Linear(before, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.units(self.stem(x)).mean((2, 3)))
        return logits


class GatedUnit(nn.Module):
    """nonlinearity(binary 3x3 convolution(BN(x)) * gate(BN(x))) + shortcut(x).

    Where the width doubles the image halves.
    """

    def __init__(self, method: Method, in_channels: int, out_channels: int) -> None:
        super().__init__()
        halves = in_channels != out_channels
        self.shortcut: nn.Module = nn.Identity()
        if halves:
            self.shortcut = averaged_shortcut(in_channels, out_channels)
        self.norm = nn.BatchNorm2d(in_channels)
        self.conv = method.conv2d(in_channels, out_channels, 3, 2 if halves else 1, padding=1)
        self.gate = ChannelGate(in_channels, out_channels, max(1, in_channels // 8))
        self.nonlinearity = method.nonlinearity(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        normal = self.norm(x)
        y: Tensor = self.nonlinearity(self.conv(normal) * self.gate(normal)) + self.shortcut(x)
        return y
