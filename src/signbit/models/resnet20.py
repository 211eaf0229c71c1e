"""ResNet-20 for 32x32 images with a shortcut around every binary convolution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor, nn

from signbit.nn.blocks import Stem

if TYPE_CHECKING:
    from signbit.methods.base import Method

__all__ = ["ResNet20"]


class ResNet20(nn.Module):
    """Real 3x3 stem, three stages of six residual units (16, 32, 64), BN1d, real classifier.

    He et al. 2016, "Deep Residual Learning", section 4.2, with the shortcuts of SD-BNN 2021.
    `width` is the first stage's channels; the others have twice and four times as many.
    """

    input_size = (32, 32)

    def __init__(self, method: Method, *, classes: int, channels: int, width: int = 16) -> None:
        super().__init__()
        self.stem = Stem(
            nn.Conv2d(channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            method.stem_nonlinearity(width),
        )
        self.stage1 = _stage(method, width, width, stride=1)
        self.stage2 = _stage(method, width, 2 * width, stride=2)
        self.stage3 = _stage(method, 2 * width, 4 * width, stride=2)
        self.norm = nn.BatchNorm1d(4 * width)
        self.classifier = nn.Linear(4 * width, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = self.stage3(self.stage2(self.stage1(x)))
        logits: Tensor = self.classifier(self.norm(x.mean((2, 3))))
        return logits


class ResidualUnit(nn.Module):
    """nonlinearity(BN(binary conv(x)) + shortcut(x)), with BN where the method's order has it.

    The shortcut has no parameters.
    """

    def __init__(self, method: Method, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv = method.conv2d(in_channels, out_channels, 3, stride, padding=1)
        self.norm = method.order.norm(in_channels, out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = SubsampleShortcut(stride, out_channels - in_channels)
        self.nonlinearity = method.nonlinearity(out_channels)
        self._combine = method.order.apply

    def forward(self, x: Tensor) -> Tensor:
        return self._combine(self.conv, self.norm, self.nonlinearity, x, self.shortcut(x))


class SubsampleShortcut(nn.Module):
    """Every stride-th pixel, with zero channels before and after (He et al. 2016, option A)."""

    def __init__(self, stride: int, added_channels: int) -> None:
        super().__init__()
        self.stride = stride
        self.before = added_channels // 2
        self.after = added_channels - self.before

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, self.before, self.after))

    def extra_repr(self) -> str:
        return f"stride={self.stride}, zero channels={self.before} + {self.after}"


def _stage(method: Method, in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    first = ResidualUnit(method, in_channels, out_channels, stride)
    others = [ResidualUnit(method, out_channels, out_channels, 1) for _ in range(5)]
    return nn.Sequential(first, *others)
