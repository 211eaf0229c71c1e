"""A binary U-Net: scores for every pixel.

Ronneberger, Fischer, Brox 2015, "U-Net: Convolutional Networks for Biomedical Image Segmentation",
with fewer channels and with signs. No paper has this form, so widths and depths are ours. Recipes
teach one class per image, so it is for a loop of one's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from signbit.methods.base import Method

__all__ = ["UNet"]


class UNet(nn.Module):
    """(N, channels, H, W) to scores (N, classes, H, W); H and W are multiples of 8.

    Real 3x3 stem; three levels of two binary convolutions, each halved by a max pool; two more; and
    back up: each level is enlarged to its neighbours' size, joined with what went down there, and
    convolved twice. A real 1x1 convolution yields the scores. width: channels of the first level.
    """

    def __init__(self, method: Method, *, classes: int, channels: int, width: int = 32) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            method.stem_nonlinearity(width),
        )
        widths = [width, 2 * width, 4 * width]
        self.down = nn.ModuleList(
            _twice(method, before, after)
            for before, after in zip((width, *widths), widths, strict=False)
        )
        self.bottom = _twice(method, widths[-1], 8 * width)
        self.up = nn.ModuleList(_twice(method, 3 * each, each) for each in reversed(widths))
        self.scores = nn.Conv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        levels: list[Tensor] = []
        for level in self.down:
            x = level(x)
            levels.append(x)
            x = F.max_pool2d(x, 2)
        x = self.bottom(x)
        for level in self.up:
            x = level(torch.cat((F.interpolate(x, scale_factor=2.0), levels.pop()), 1))
        scores: Tensor = self.scores(x)
        return scores


def _conv(method: Method, before: int, after: int) -> nn.Module:
    return nn.Sequential(
        method.conv2d(before, after, 3, padding=1),
        nn.BatchNorm2d(after),
        method.nonlinearity(after),
    )


def _twice(method: Method, before: int, after: int) -> nn.Module:
    return nn.Sequential(_conv(method, before, after), _conv(method, after, after))
