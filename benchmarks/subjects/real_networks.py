"""The real-valued peer that signbit.models does not have: ResNet-18 with a 3x3 stem for 32x32.

Normalised float images (N, 3, H, W) in, logits out.
"""

from __future__ import annotations

from torch import nn

from signbit.models.real_resnet import BasicBlock
from signbit.models.resnet18 import strided_shortcut

__all__ = ["real_resnet18_cifar"]


def real_resnet18_cifar(classes: int = 10) -> nn.Module:
    """He et al. 2016, "Deep Residual Learning": 64-128-256-512, two blocks per stage."""
    stem = (nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU())
    blocks = []
    before = 64
    for width in (64, 128, 256, 512):
        stride = 1 if width == before else 2
        around = nn.Identity() if stride == 1 else strided_shortcut(before, width)
        blocks.append(BasicBlock(before, width, stride, around))
        blocks.append(BasicBlock(width, width, 1, nn.Identity()))
        before = width
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))
    return nn.Sequential(*stem, *blocks, *head)
