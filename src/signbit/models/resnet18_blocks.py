"""ResNet-18 for 32x32 images with He's own shortcuts: one around two binary convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from signbit.models.resnet18 import ResNet18Cifar, strided_shortcut
from signbit.nn.blocks import ConvBlock, normalised_conv

if TYPE_CHECKING:
    from signbit.methods.base import Method

__all__ = ["ResNet18CifarBlocks"]

_WIDTHS = (64, 128, 256, 512)


class ResNet18CifarBlocks(ResNet18Cifar):
    """`ResNet18Cifar` of eight blocks of two convolutions, as IR-Net 2020 and SD-BNN 2021 have it.

    Its blocks normalise behind their convolutions, whatever the method's order of a shortcut of one
    convolution is.
    """

    def build_stages(self, method: Method) -> nn.Sequential:
        """(N, 64, 32, 32) to (N, 512, 4, 4)."""
        blocks, before = [], _WIDTHS[0]
        for width in _WIDTHS:
            for stride in (1 if width == before else 2, 1):
                blocks.append(Block(method, before, width, stride))
                before = width
        return nn.Sequential(*blocks)


class Block(nn.Module):
    """nonlinearity(BN(conv(nonlinearity(BN(conv(x))))) + shortcut(x)), both convolutions binary."""

    def __init__(self, method: Method, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.first = ConvBlock(
            method.conv2d(in_channels, out_channels, 3, stride, padding=1),
            nn.BatchNorm2d(out_channels),
            method.nonlinearity(out_channels),
        )
        self.conv = method.conv2d(out_channels, out_channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = strided_shortcut(in_channels, out_channels, stride)
        self.nonlinearity = method.nonlinearity(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = self.shortcut(x)
        return normalised_conv(self.conv, self.norm, self.nonlinearity, self.first(x), shortcut)
