"""Models that this folder's tests compile: a function of the maps between a stem and a head."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from tests.compiler.nets import Array, Size, compiled, pixels, pytorch_logits, randomise
from torch import Tensor, nn

from signbit.compiler import Compiled
from signbit.nn.binarizers import MeanAbsScale
from signbit.nn.layers import BinaryConv2d
from signbit.runtime.engine import Engine, cpu_isas
from signbit.runtime.reference import ReferenceEngine

__all__ = ["SIZE", "Asks", "assert_answers_at", "assert_engines_agree", "for_any_size", "net"]

SIZE = (12, 10, 3)


class Asks(nn.Module):
    """Calls a function of maps (N, 4, H, W)."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def net(function: Callable[[Tensor], Tensor] | None = None, *head: nn.Module) -> nn.Module:
    """Stem, the function, a binary convolution, and a head; by default a mean and a classifier."""
    torch.manual_seed(0)
    asks = [] if function is None else [Asks(function)]
    layers = [
        nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), *asks),
        BinaryConv2d(4, 6, 3, stride=2, padding=1, weight_binarizer=MeanAbsScale()),
        nn.BatchNorm2d(6),
    ]
    usual = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5))
    return randomise(nn.Sequential(*layers, *(head or usual)))


def for_any_size(model: nn.Module, size: Size = SIZE) -> Compiled:
    return compiled(model, size, any_size=True)


def assert_answers_at(model: nn.Module, file: bytes, *size: int) -> None:
    """The reference says what PyTorch says at another (height, width), and every engine the same.

    The model must be one in which no sign stands next to its threshold.
    """
    height, width = size
    images = pixels(3, (height, width, 3))
    answers = assert_engines_agree(file, images)
    expected = pytorch_logits(model, images)
    scale = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(answers / scale, expected / scale, atol=2e-5)


def assert_engines_agree(file: bytes, images: npt.NDArray[np.uint8]) -> Array:
    """The reference's answers for images of their own size; all instruction sets have its bits."""
    size = images.shape[1], images.shape[2]
    answers: Array = ReferenceEngine(file, input_size=size)(images)
    for isa in cpu_isas():
        for fuse in (True, False):
            engine = Engine(file, 2, isa, size, _fuse=fuse)
            np.testing.assert_array_equal(engine(images), answers)
    return answers
