"""QuickNet in three sizes: real stem and transitions that cost little, binary residual layers.

Bannink, Hillier, Geiger, de Bruin, Overweel, Neeven, Helwegen 2021, "Larq Compute Engine: Design,
Benchmark, and Deploy State-of-the-Art Binarized Neural Networks", section 4, and its authors'
models (Larq Zoo).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from signbit.nn.padding import SignPadding

if TYPE_CHECKING:
    from signbit.methods.base import Method

__all__ = ["BlurPool", "QuickNet"]


class QuickNet(nn.Module):
    """Stem, four sections of residual layers, real classifier.

    A residual layer is nonlinearity(x + BN(relu(binary 3x3 convolution(x)))), signs of +1 around
    the map. Between sections a transition halves the image: ReLU, 2x2 max pool without stride,
    `BlurPool`, real 1x1 convolution, BN. For 224x224 images the stem halves the image twice;
    for small images, 32x32, not at all.

    layers: residual layers of each section; widths: their channels, multiples of 4.
    """

    def __init__(
        self,
        method: Method,
        *,
        classes: int,
        channels: int,
        layers: tuple[int, ...] = (4, 4, 4, 4),
        widths: tuple[int, ...] = (64, 128, 256, 512),
        small_images: bool = False,
    ) -> None:
        super().__init__()
        self.input_size = (32, 32) if small_images else (224, 224)
        first, stride = widths[0], 1 if small_images else 2
        self.stem = nn.Sequential(
            nn.Conv2d(channels, first // 4, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(first // 4),
            nn.ReLU(),
            nn.Conv2d(first // 4, first // 4, 3, stride, 1, groups=first // 4, bias=False),
            nn.BatchNorm2d(first // 4, affine=False),
            nn.Conv2d(first // 4, first, 1, bias=False),
            nn.BatchNorm2d(first),
        )
        sections: list[nn.Module] = []
        before = first
        for count, width in zip(layers, widths, strict=True):
            if width != before:
                sections.append(_transition(before, width))
            sections += [ResidualLayer(method, width) for _ in range(count)]
            before = width
        self.sections = nn.Sequential(*sections)
        self.relu = nn.ReLU()
        self.classifier = nn.Linear(before, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.relu(self.sections(self.stem(x))).mean((2, 3)))
        return logits


class ResidualLayer(nn.Module):
    """nonlinearity(x + BN(relu(conv(x)))), as `QuickNet` has it."""

    def __init__(self, method: Method, channels: int) -> None:
        super().__init__()
        self.padding = SignPadding(1)
        self.conv = method.conv2d(channels, channels, 3)
        self.relu = nn.ReLU()
        self.norm = nn.BatchNorm2d(channels)
        self.nonlinearity = method.nonlinearity(channels)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.nonlinearity(x + self.norm(self.relu(self.conv(self.padding(x)))))
        return y


class BlurPool(nn.Module):
    """Every second pixel of a map blurred by 1-2-1 in both directions, zeros around it.

    (N, channels, H, W) to (N, channels, ceil(H / 2), ceil(W / 2)). The filter is fixed.
    Zhang 2019, "Making Convolutional Networks Shift-Invariant Again".
    """

    filters: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        row = torch.tensor([1.0, 2.0, 1.0]) / 4
        filters = torch.outer(row, row).expand(channels, 1, 3, 3).clone()
        self.register_buffer("filters", filters, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.filters, stride=2, padding=1, groups=x.shape[1])


def _transition(before: int, width: int) -> nn.Module:
    return nn.Sequential(
        nn.ReLU(),
        nn.MaxPool2d(2, stride=1),
        BlurPool(before),
        nn.Conv2d(before, width, 1, bias=False),
        nn.BatchNorm2d(width),
    )
