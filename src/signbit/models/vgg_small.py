"""VGG-Small for 32x32 images: six convolutions without shortcuts, the last five binary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from signbit.nn.blocks import ConvBlock, Stem

if TYPE_CHECKING:
    from signbit.methods.base import Method

__all__ = ["VGGSmall"]


class VGGSmall(nn.Module):
    """128-128(pool)-256-256(pool)-512-512(pool)-fc; stem and fc are real.

    The network of BNN, IR-Net and SD-BNN on CIFAR-10. Pooling sits between convolution and
    normalisation, so that it sees the real dot products, not signs.
    """

    input_size = (32, 32)

    def __init__(self, method: Method, *, classes: int, channels: int) -> None:
        super().__init__()
        self.stem = Stem(
            nn.Conv2d(channels, 128, 3, padding=1, bias=False),
            nn.BatchNorm2d(128),
            method.stem_nonlinearity(128),
        )
        self.blocks = nn.Sequential(
            _block(method, 128, 128, pool=True),
            _block(method, 128, 256, pool=False),
            _block(method, 256, 256, pool=True),
            _block(method, 256, 512, pool=False),
            _block(method, 512, 512, pool=True),
        )
        self.classifier = nn.Linear(512 * 4 * 4, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.blocks(self.stem(x)).flatten(1))
        return logits


def _block(method: Method, in_channels: int, out_channels: int, *, pool: bool) -> ConvBlock:
    return ConvBlock(
        method.conv2d(in_channels, out_channels, 3, padding=1),
        *([nn.MaxPool2d(2)] if pool else []),
        nn.BatchNorm2d(out_channels),
        method.nonlinearity(out_channels),
    )
