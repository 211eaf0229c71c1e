"""ResNet-34 with a shortcut around every binary convolution, for 224x224 images."""

from __future__ import annotations

from signbit.models.resnet18 import ResNet18

__all__ = ["ResNet34"]


class ResNet34(ResNet18):
    """ResNet-18's stem, units and classifier, with 6, 8, 12 and 6 units (Bi-Real Net 2018)."""

    units = (6, 8, 12, 6)
