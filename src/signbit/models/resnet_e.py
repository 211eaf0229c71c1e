"""BinaryResNetE-18: a shortcut around every binary convolution, ReLU at both ends.

Bethge, Yang, Bornstein, Meinel 2019, "Back to Simplicity: How to Train Accurate BNNs from
Scratch?", in the form of Larq Zoo.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from signbit.models.resnet18 import averaged_shortcut, build_stages

if TYPE_CHECKING:
    from signbit.methods.base import Method

__all__ = ["ResNetE18", "image_stem"]

_WIDTHS = (64, 128, 256, 512)
_UNITS = (4, 4, 4, 4)


class ResNetE18(nn.Module):
    """Real stem, sixteen residual units of `signbit.models.resnet18`, ReLU, real classifier.

    For 224x224 images the stem is `image_stem` and BN, for small images, 32x32, one real 3x3
    convolution.
    """

    def __init__(
        self, method: Method, *, classes: int, channels: int, small_images: bool = False
    ) -> None:
        super().__init__()
        self.input_size = (32, 32) if small_images else (224, 224)
        width = _WIDTHS[0]
        self.stem = image_stem(channels, width, nn.ReLU(), small_images=small_images)
        if not small_images:
            self.stem.append(nn.BatchNorm2d(width))
        self.stages = build_stages(method, _UNITS, averaged_shortcut)
        self.relu = nn.ReLU()
        self.classifier = nn.Linear(_WIDTHS[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.relu(self.stages(self.stem(x))).mean((2, 3)))
        return logits


def image_stem(
    channels: int, width: int, nonlinearity: nn.Module, *, small_images: bool
) -> nn.Sequential:
    """A 7x7 convolution and a 3x3 max pool, both of stride 2, BN and the non-linearity between
    them; for small images a 3x3 convolution alone. No biases."""
    if small_images:
        return nn.Sequential(nn.Conv2d(channels, width, 3, padding=1, bias=False))
    return nn.Sequential(
        nn.Conv2d(channels, width, 7, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(width),
        nonlinearity,
        nn.MaxPool2d(3, stride=2, padding=1),
    )
