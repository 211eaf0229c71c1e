"""A small MobileNetV2 for 32x32 images: the real-valued network that is good at its time.

Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", with the strides of
small images: the stem and the first stage keep the image's size.
"""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["InvertedResidual", "RealMobileNetCifar"]

_STAGES = ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 3, 2), (6, 96, 2, 1))
"""(expansion, channels out, blocks, stride of the first), table 2 of the paper, cut for 32x32."""


class InvertedResidual(nn.Module):
    """1x1 that widens, 3x3 depthwise, 1x1 without activation; a shortcut where shapes are equal."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = expansion * in_channels
        widen = [] if expansion == 1 else _unit(in_channels, width, 1)
        self.body = nn.Sequential(
            *widen,
            *_unit(width, width, 3, stride=stride, groups=width),
            nn.Conv2d(width, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.adds = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return x + y if self.adds else y


class RealMobileNetCifar(nn.Module):
    """3x3 stem of 16, five stages of inverted residuals (16-24-32-64-96), 1x1 of 256, `fc`."""

    input_size = (32, 32)

    def __init__(self, *, classes: int, channels: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        width = 16
        for expansion, out_channels, count, stride in _STAGES:
            for index in range(count):
                first = stride if index == 0 else 1
                blocks.append(InvertedResidual(width, out_channels, first, expansion))
                width = out_channels
        self.stem = nn.Sequential(*_unit(channels, 16, 3))
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(*_unit(width, 256, 1))
        self.fc = nn.Linear(256, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward(self, x: Tensor) -> Tensor:
        x = self.head(self.blocks(self.stem(x)))
        logits: Tensor = self.fc(x.mean((2, 3)))
        return logits


def _unit(
    in_channels: int, out_channels: int, kernel: int, *, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    """Convolution, normalisation and ReLU6."""
    conv = nn.Conv2d(
        in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False
    )
    return [conv, nn.BatchNorm2d(out_channels), nn.ReLU6()]
