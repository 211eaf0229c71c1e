"""Signs of pixels that were moved or padded are PyTorch's own, for each of a pixel's 256 values."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from tests.compiler.test_pixel_signs import Own, compiled, every_value
from torch import Tensor, nn

from signbit.compiler.verification.verify import verify_nodes
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
