"""PokeBNN: ResNet-50's bottlenecks whose every binary convolution has a shortcut and a gate.

Zhang, Zhang, Lew 2022, "PokeBNN: A Binary Pursuit of Lightweight Accuracy", section 4, and its
authors' code (google/aqt).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from signbit.nn.blocks import ChannelGate
from signbit.nn.nonlinearities import DPReLU

if TYPE_CHECKING:
    from signbit.methods.base import Method

__all__ = ["PokeBNN", "ReshapeShortcut"]


class PokeBNN(nn.Module):
    """Real stem, sixteen bottlenecks of three `PokeConv`s in four stages, real classifier.

    The stem is a 4x4 convolution that takes every pixel once, and a 3x3 convolution in 32 groups,
    each with BN and DPReLU; for small images, 32x32, the first is 3x3 and halves nothing. blocks:
    bottlenecks of each stage; multiplier: of the widths 64, 128, 256 and 512.
    """

    def __init__(
        self,
        method: Method,
        *,
        classes: int,
        channels: int,
        blocks: tuple[int, ...] = (3, 4, 6, 3),
        multiplier: float = 1.0,
        small_images: bool = False,
    ) -> None:
        super().__init__()
        self.input_size = (32, 32) if small_images else (224, 224)
        geometry = (3, 1, 1) if small_images else (4, 4, 0)
        self.stem = nn.Sequential(
            nn.Conv2d(channels, 32, *geometry, bias=False),
            nn.BatchNorm2d(32),
            DPReLU(32),
            nn.Conv2d(32, 64, 3, padding=1, groups=32, bias=False),
            nn.BatchNorm2d(64),
            DPReLU(64),
        )
        bottlenecks: list[nn.Module] = []
        before = 64
        for stage, count in enumerate(blocks):
            width = int((64 << stage) * multiplier)
            for block in range(count):
                stride = 2 if stage > 0 and block == 0 else 1
                bottlenecks.append(Bottleneck(method, before, width, stride))
                before = 4 * width
        self.bottlenecks = nn.Sequential(*bottlenecks)
        self.classifier = nn.Linear(before, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.bottlenecks(self.stem(x)).mean((2, 3)))
        return logits


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 `PokeConv`s; the last adds the bottleneck's input too."""

    def __init__(self, method: Method, in_channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.reduce = PokeConv(method, in_channels, width, 1)
        self.spatial = PokeConv(method, width, width, 3, stride)
        self.expand = PokeConv(method, width, 4 * width, 1)
        self.shortcut = nn.Sequential(
            ReshapeShortcut(in_channels, 4 * width, tile=True), _pool(stride)
        )
        # The block starts as its shortcut.
        nn.init.zeros_(self.expand.norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.expand(self.spatial(self.reduce(x)), self.shortcut(x))
        return y


class PokeConv(nn.Module):
    """BN(DPReLU(BN(conv(x)) + shortcut(x) + more) * gate(x)), `more` where it is given."""

    def __init__(
        self,
        method: Method,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
    ) -> None:
        super().__init__()
        self.conv = method.conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2)
        self.norm = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential(ReshapeShortcut(in_channels, out_channels), _pool(stride))
        self.nonlinearity = method.nonlinearity(out_channels)
        hidden = max(1, in_channels // 8)
        self.gate = ChannelGate(in_channels, out_channels, hidden, bias=True, hard=True)
        self.out_norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor, more: Tensor | None = None) -> Tensor:
        y = self.norm(self.conv(x)) + self.shortcut(x)
        y = self.nonlinearity(y if more is None else y + more)
        result: Tensor = self.out_norm(y * self.gate(x))
        return result


class ReshapeShortcut(nn.Module):
    """Channels fitted without parameters: (N, in_channels, H, W) to (N, out_channels, H, W).

    Where there are too many, each of the result is the mean of k = in_channels // out_channels
    neighbours, and the last ones are left out; where there are too few, they are repeated (`tile`)
    or zeros follow them.
    """

    mean: Tensor

    def __init__(self, in_channels: int, out_channels: int, *, tile: bool = False) -> None:
        super().__init__()
        self.channels = out_channels
        self.neighbours = max(1, in_channels // out_channels)
        self.copies = out_channels // in_channels if tile and out_channels > in_channels else 1
        mean = torch.full((out_channels, self.neighbours, 1, 1), 1 / self.neighbours)
        self.register_buffer("mean", mean, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.copies > 1:
            x = torch.cat([x] * self.copies, 1)
        # What follows is left out where it changes nothing.
        if x.shape[1] > self.channels * self.neighbours:
            x = x[:, : self.channels * self.neighbours]
        if self.neighbours > 1:
            x = F.conv2d(x, self.mean, groups=self.channels)
        missing = self.channels - x.shape[1]
        return F.pad(x, (0, 0, 0, 0, 0, missing)) if missing else x


def _pool(stride: int) -> nn.Module:
    return nn.AvgPool2d(3, stride, padding=1) if stride > 1 else nn.Identity()
