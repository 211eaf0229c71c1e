"""The networks that two commits are compared on, built by whichever of them is asked.

Everything here runs under an older commit's package too, so it uses little of signbit. Weights are
random, and normalisations have the statistics of a batch: speed does not depend on what a network
has learned, but on signs that vary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from signbit import methods, models
from subjects.random_weights import calibrate, randomise

try:
    from signbit.nn import BinaryConv2d
except ImportError:  # commits before the package had rooms
    from signbit.layers import BinaryConv2d

__all__ = ["NETWORKS", "Setting", "calibrated", "images"]

METHODS = ("bnn", "xnor", "bireal", "irnet", "reactnet", "sdbnn", "adabin")


class Setting(NamedTuple):
    """How a network is made and trained."""

    make: Callable[[], nn.Module]
    input_size: tuple[int, int, int]
    """(height, width, channels)."""
    batch: int
    """Images of a training step."""


def _build(
    network: str, method: str, classes: int = 10, channels: int = 3, **given: Any
) -> nn.Module:
    return models.build(network, methods.get(method, **given), classes=classes, channels=channels)


def _depthwise() -> nn.Module:
    """Depthwise 3×3 and 1×1 binary convolutions in turns, as MobileNet-V1 has them, for 32×32."""
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64)]
    width = 64
    for wider, stride in ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1)):
        layers += [
            BinaryConv2d(width, width, 3, stride=stride, padding=1, groups=width),
            nn.BatchNorm2d(width),
            nn.Hardtanh(),
            BinaryConv2d(width, wider, 1),
            nn.BatchNorm2d(wider),
            nn.Hardtanh(),
        ]
        width = wider
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10))
    return nn.Sequential(*layers, *head)


NETWORKS: dict[str, Setting] = {
    "digits": Setting(lambda: _build("digits", "sdbnn", channels=1), (8, 8, 1), 128),
    **{
        f"resnet20-{method}": Setting(lambda m=method: _build("resnet20", m), (32, 32, 3), 64)
        for method in METHODS
    },
    "vgg-small-bnn": Setting(lambda: _build("vgg-small", "bnn"), (32, 32, 3), 32),
    "resnet18-cifar-bireal": Setting(lambda: _build("resnet18-cifar", "bireal"), (32, 32, 3), 16),
    "resnet18-224-bireal": Setting(
        lambda: _build("resnet18", "bireal", classes=1000), (224, 224, 3), 2
    ),
    "reactnet-a": Setting(lambda: _build("reactnet-a", "reactnet", classes=1000), (224, 224, 3), 2),
    "depthwise": Setting(_depthwise, (32, 32, 3), 64),
}


@torch.no_grad()
def calibrated(setting: Setting) -> nn.Module:
    """The network in evaluation mode; the same for each commit that draws weights in one order."""
    torch.manual_seed(0)
    model = setting.make()
    randomise(model)
    calibrate(model, images(setting, 8))
    return model.eval()


def images(setting: Setting, count: int) -> Tensor:
    """Random normalised images (N, C, H, W) in channels-last memory, as training gets them."""
    height, width, channels = setting.input_size
    pixels = torch.randn(count, channels, height, width)
    return pixels.contiguous(memory_format=torch.channels_last)
