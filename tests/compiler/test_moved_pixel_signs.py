"""Signs of pixels that were moved or padded are PyTorch's own, for each of a pixel's 256 values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.compiler.test_pixel_signs import (
    Add,
    Own,
    Times,
    assert_equal_signs,
    compiled,
    every_value,
    pytorch,
    signs_of,
)
from torch import Tensor, nn

import signbit
from signbit.compiler.verification.verify import verify, verify_nodes
from signbit.nn.layers import BinaryConv2d

MEAN, STD = [0.4, 0.6, 0.2], [0.22, 0.21, 0.23]
"""Means that are pixels: 102, 153 and 51 are exactly 0 in PyTorch, and +1."""

SIDE = 16


def _joined(x: Tensor) -> Tensor:
    return torch.cat((x, F.max_pool2d(x, 3, 1, 1), 0.3 - x), 1)


MOVES: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {
    "squares": (lambda x: F.pixel_unshuffle(x, 2), 12),
    "joined": (_joined, 9),
    "a part": (lambda x: x[:, 1:], 2),
    "larger": (lambda x: F.interpolate(x, scale_factor=2), 3),
    "zeros around": (lambda x: F.pad(x, (1, 0, 2, 1)), 3),
    "the mean around": (lambda x: F.pad(x - 0.1, (1, 0, 2, 1), value=0.1) + 0.1, 3),
    "several": (lambda x: F.pixel_unshuffle(_joined(x)[:, 2:7], 2), 20),
}


def _differences(model: nn.Module) -> int:
    """Signs that are not PyTorch's, next to a threshold or not, of images with every value."""
    result = compiled(model, MEAN, STD)
    nodes = verify_nodes(result, every_value(3))
    assert all(node.agrees for node in nodes)
    return sum(len(node.signs_near) for node in nodes)


@pytest.mark.parametrize("name", list(MOVES))
def test_every_value_has_pytorch_sign(name: str) -> None:
    function, channels = MOVES[name]
    assert _differences(nn.Sequential(Own(function), BinaryConv2d(channels, 4, 3))) == 0


def test_signs_that_are_moved_and_reals_beside_them() -> None:
    def function(x: Tensor) -> Tensor:
        joined = _joined(x)
        return torch.cat((joined, joined * 2 - 0.2), 1)

    assert _differences(nn.Sequential(Own(function), BinaryConv2d(18, 4, 3, padding=1))) == 0


def _parts(x: Tensor) -> Tensor:
    """Parts of the channels, turned around, one behind the other."""
    return torch.cat((x[:, 1:] * -2.0, x[:, :2] + 0.3), 1)


MOVED_IN_SEVERAL_STEPS = {
    "joined": (4, Own(_parts)),
    "joined, with maths behind": (4, nn.Sequential(Own(_parts), Times(-1.0), nn.Hardtanh())),
    "part": (2, nn.Sequential(Own(lambda x: x[:, 1:]), Add(0.3))),
    "copied": (3, nn.Sequential(nn.Upsample(scale_factor=2), Add(-0.2))),
    "shuffled": (12, nn.Sequential(Times(-1.0), nn.PixelUnshuffle(2))),
    "shuffled, with maths behind": (
        12,
        nn.Sequential(nn.PixelUnshuffle(2), Add(torch.linspace(-1, 1, 12))),
    ),
    "shuffled channels": (4, Own(lambda x: F.channel_shuffle(_parts(x), 2) + 0.1)),
    "largest of all": (3, nn.Sequential(nn.AdaptiveMaxPool2d(1), Times(-1.0), nn.Upsample((2, 2)))),
    "joined pools": (4, Own(lambda x: F.max_pool2d(_parts(F.max_pool2d(x, 2, 1)), 2, 1))),
}


@pytest.mark.parametrize("name", list(MOVED_IN_SEVERAL_STEPS))
def test_moved_pixels(name: str) -> None:
    channels, layers = MOVED_IN_SEVERAL_STEPS[name]
    result = assert_equal_signs(nn.Sequential(layers, signs_of(channels)), MEAN, STD)
    images = np.random.default_rng(0).choice(
        np.array([50, 51, 52, 101, 102, 103, 152, 153, 154], np.uint8), (6, SIDE, SIDE, 3)
    )
    assert all(n.agrees and not n.signs_near for n in verify(result, images).nodes)


def test_moved_pixels_that_are_read_as_reals_too() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.signs = signs_of(4)
            self.shuffled = signs_of(16)
            self.mixed = signs_of(4)

        def forward(self, x: Tensor) -> Any:
            joined = _parts(x)
            shuffled = F.pixel_shuffle(self.shuffled(F.pixel_unshuffle(joined, 2)), 2)
            mixed = F.channel_shuffle(joined, 2)
            signs = self.signs(joined) * 1000 + self.mixed(mixed) * 10
            return signs + shuffled * 100 + torch.relu(joined) / 10 + torch.relu(mixed) / 10

    model = Both()
    result = compiled(model, MEAN, STD)
    expected = pytorch(model, every_value(3), MEAN, STD)
    answers = signbit.load(result.data)(every_value(3))
    np.testing.assert_allclose(answers, expected, atol=1e-3)
