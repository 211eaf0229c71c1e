"""The real-valued peers: He's residual networks with ReLU, in the sizes of the binary ones.

He et al. 2016, "Deep Residual Learning": blocks of two 3x3 convolutions, one shortcut a block.
Normalised float images (N, 3, H, W) in, logits out.
"""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from signbit.models.resnet20 import SubsampleShortcut

__all__ = ["real_resnet18", "real_resnet18_cifar", "real_resnet20_cifar"]

Shortcut = Callable[[int, int, int], nn.Module]
"""(in channels, out channels, stride) -> the shortcut of a block that changes its shape."""


def real_resnet18(classes: int = 1000) -> nn.Module:
    """ResNet-18 for 224x224: 7x7 stem, max pool, 64-128-256-512, projection shortcuts."""
    stem = nn.Sequential(_conv_norm(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
    return _network(stem, (64, 128, 256, 512), 2, _projection, classes)


def real_resnet18_cifar(classes: int = 10) -> nn.Module:
    """The same stages behind a 3x3 stem for 32x32."""
    stem = nn.Sequential(_conv_norm(3, 64, 3, 1), nn.ReLU())
    return _network(stem, (64, 128, 256, 512), 2, _projection, classes)


def real_resnet20_cifar(classes: int = 10) -> nn.Module:
    """ResNet-20 for 32x32: 16-32-64, three blocks a stage, parameter-free shortcuts."""
    stem = nn.Sequential(_conv_norm(3, 16, 3, 1), nn.ReLU())
    return _network(stem, (16, 32, 64), 3, _subsample, classes)


class BasicBlock(nn.Module):
    """relu(BN(conv(relu(BN(conv(x))))) + shortcut(x))."""

    def __init__(self, before: int, width: int, stride: int, shortcut: nn.Module) -> None:
        super().__init__()
        self.first = _conv_norm(before, width, 3, stride)
        self.second = _conv_norm(width, width, 3, 1)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.second(F.relu(self.first(x))) + self.shortcut(x))


def _network(
    stem: nn.Module, widths: tuple[int, ...], blocks: int, shortcut: Shortcut, classes: int
) -> nn.Module:
    parts = [stem]
    before = widths[0]
    for width in widths:
        stride = 1 if width == before else 2
        around = nn.Identity() if stride == 1 else shortcut(before, width, stride)
        parts.append(BasicBlock(before, width, stride, around))
        parts += [BasicBlock(width, width, 1, nn.Identity()) for _ in range(blocks - 1)]
        before = width
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes)]
    return nn.Sequential(*parts, *head)


def _conv_norm(before: int, width: int, kernel: int, stride: int) -> nn.Module:
    convolution = nn.Conv2d(before, width, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(width))


def _projection(before: int, width: int, stride: int) -> nn.Module:
    return _conv_norm(before, width, 1, stride)


def _subsample(before: int, width: int, stride: int) -> nn.Module:
    return SubsampleShortcut(stride, width - before)
