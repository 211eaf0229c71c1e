"""A small network for the 8x8 digits shipped with scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from signbit.nn.blocks import Stem, normalised_conv

if TYPE_CHECKING:
    from signbit.methods.base import Method

__all__ = ["DigitsNet"]


class DigitsNet(nn.Module):
    """Real 3x3 stem (32), binary 3x3 convolutions 64 and 64 (pool), real classifier."""

    input_size = (8, 8)

    def __init__(self, method: Method, *, classes: int, channels: int) -> None:
        super().__init__()
        self.stem = Stem(
            nn.Conv2d(channels, 32, 3, padding=1, bias=False),
            nn.BatchNorm2d(32),
            method.stem_nonlinearity(32),
        )
        self.conv1 = method.conv2d(32, 64, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(64)
        self.nonlinearity1 = method.nonlinearity(64)
        self.conv2 = method.conv2d(64, 64, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.norm2 = nn.BatchNorm2d(64)
        self.nonlinearity2 = method.nonlinearity(64)
        self.classifier = nn.Linear(64 * 4 * 4, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = normalised_conv(self.conv1, self.norm1, self.nonlinearity1, x)
        x = normalised_conv(self.conv2, self.norm2, self.nonlinearity2, x, pool=self.pool)
        logits: Tensor = self.classifier(x.flatten(1))
        return logits
