"""Untrained networks that behave like trained ones, for measuring speed and agreement.

Speed does not depend on what a network has learned, but a comparison of answers needs signs that
vary: weights are random, and the normalisations' statistics are those of a batch of random images,
so that every map is centred and about half of its signs are negative.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from signbit import methods, models
from signbit.compiler import compile_model
from signbit.nn.pixels.stem_rounding import round_stem
from subjects.random_weights import calibrate, randomise
from subjects.real_networks import real_resnet18_cifar

__all__ = ["BINARY", "REAL", "Network", "build", "compiled_bytes"]

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)

Values = tuple[float, float, float]


class Network(NamedTuple):
    """A network in evaluation mode, and what its images are."""

    model: nn.Module
    """Float images (N, 3, H, W), (pixel / 255 - mean) / std, to logits (N, classes)."""
    input_size: tuple[int, int, int]
    """(height, width, channels)."""
    mean: Values
    std: Values


def _ours(architecture: str, method: str, classes: int) -> nn.Module:
    return models.build(architecture, methods.get(method), classes=classes, channels=3)


BINARY: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "bireal-resnet18-224": (lambda: _ours("resnet18", "bireal", 1000), 224),
    "bireal-resnet18-cifar": (lambda: _ours("resnet18-cifar", "bireal", 10), 32),
    "sdbnn-resnet20": (lambda: _ours("resnet20", "sdbnn", 10), 32),
}
"""name -> (constructor, height and width)."""

REAL: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "resnet18-224": (lambda: _ours("real-resnet18", "real", 1000), 224),
    "resnet18-cifar": (real_resnet18_cifar, 32),
    "resnet20-cifar": (lambda: _ours("real-resnet20", "real", 10), 32),
}
"""The same of the real-valued peers."""


def build(name: str, seed: int = 0) -> Network:
    """The network called `name`, of BINARY or REAL; KeyError for another.

    The same seed gives the same network; torch's global random state is left as it was.
    """
    construct, size = (BINARY | REAL)[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = construct()
        randomise(model)
        calibrate(model, _images(8, size))
    return Network(model.eval(), (size, size, 3), MEAN, STD)


def compiled_bytes(name: str, seed: int = 0, int16_stem: bool = False) -> bytes:
    """The `.sbnn` file of a network of BINARY; `int16_stem` rounds its stem's weights first."""
    network = build(name, seed)
    model = network.model
    if int16_stem:
        model = round_stem(model, network.mean, network.std, input_size=network.input_size)
    return compile_model(
        model,
        input_size=network.input_size,
        mean=network.mean,
        std=network.std,
        class_names=(),
        resize_shorter_side=network.input_size[0],
    ).data


def _images(count: int, size: int) -> Tensor:
    """Smooth coloured noise, normalised: neighbouring pixels resemble each other, as in photos."""
    coarse = torch.randn(count, 3, size // 8 + 1, size // 8 + 1)
    smooth = F.interpolate(coarse, size=(size, size), mode="bilinear", align_corners=False)
    return smooth + 0.2 * torch.randn(count, 3, size, size)
