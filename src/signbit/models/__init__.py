"""The architectures by name. A new one is one file here and one line in the table below.

Models take normalised float images (N, channels, H, W) and return logits (N, classes).
"""

from __future__ import annotations

from torch import nn

from signbit.errors import RecipeError
from signbit.methods.base import Method
from signbit.models.digits import DigitsNet
from signbit.models.resnet18 import ResNet18, ResNet18Cifar
from signbit.models.resnet20 import ResNet20
from signbit.models.vgg_small import VGGSmall

__all__ = ["build", "names"]

_Network = DigitsNet | ResNet18 | ResNet18Cifar | ResNet20 | VGGSmall

_models: dict[str, type[_Network]] = {
    "digits": DigitsNet,
    "resnet18": ResNet18,
    "resnet18-cifar": ResNet18Cifar,
    "resnet20": ResNet20,
    "vgg-small": VGGSmall,
}


def names() -> list[str]:
    """Names that `build` knows, sorted."""
    return sorted(_models)


def build(architecture: str, method: Method, *, classes: int, channels: int) -> nn.Module:
    """A new network with the method's initial weights, drawn from torch's global generator.

    channels: of the images, 1 (grey) or 3 (RGB). The network has `input_size`, (height, width).
    Raises RecipeError for an unknown architecture (the choices are listed) or counts below 1.
    """
    if architecture not in _models:
        raise RecipeError(f"unknown model {architecture!r}; choose one of {', '.join(names())}")
    if classes < 1 or channels < 1:
        raise RecipeError(f"a model needs classes and channels >= 1, got {classes} and {channels}")
    model = _models[architecture](method, classes=classes, channels=channels)
    method.initialise(model)
    return model
