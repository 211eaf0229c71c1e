"""Joined channels and parts of them, against PyTorch and on every instruction set."""

from __future__ import annotations

import re

import pytest
import torch
import torch.nn.functional as F
from tests.compiler.every_way import assert_exact
from tests.compiler.mapping.bodies import Function, before_signs, few_fast, of_reals, of_signs
from tests.compiler.nets import compiled, op_names
from torch import Tensor, nn

from signbit.errors import CompileError
from signbit.nn.layers import BinaryLinear

SIZE = (5, 7, 3)


def _halves_swapped(x: Tensor) -> Tensor:
    left, right = x.chunk(2, 1)
    return torch.cat((right, left), 1)


def _densely(x: Tensor) -> Tensor:
    for _ in range(3):
        x = torch.cat((x, F.max_pool2d(x, 3, 1, 1)), -3)
    return x


MOVES: dict[str, tuple[int, Function]] = {
    "cat with itself pooled": (5, lambda x: torch.cat((x, F.max_pool2d(x, 3, 1, 1)), 1)),
    "cat of cats": (3, _densely),
    "cat, a value twice": (3, lambda x: torch.cat((x, F.max_pool2d(x, 3, 1, 1), x), 1)),
    "cat with itself": (65, lambda x: torch.cat((x, x), dim=1)),
    "cat of one": (3, lambda x: torch.cat((x,), 1)),
    "hstack": (3, lambda x: torch.hstack((x[:, :1], x))),
    "many": (1, lambda x: torch.cat([x, F.max_pool2d(x, 3, 1, 1)] * 40, 1)),
    "slice": (65, lambda x: x[:, 1:65]),
    "slice from behind": (5, lambda x: x[:, -3:-1]),
    "one channel": (5, lambda x: x[:, 4:]),
    "all channels": (5, lambda x: x[:, :]),
    "split": (5, lambda x: x.split(2, 1)[2]),
    "split by sizes": (6, lambda x: torch.cat(x.split([1, 3, 2], 1)[::-1], 1)),
    "chunk": (6, _halves_swapped),
    "narrow": (6, lambda x: x.narrow(1, 3, 2)),
    "tensor_split": (6, lambda x: x.tensor_split((1, 4), 1)[1]),
    "repeat": (3, lambda x: x.repeat(1, 3, 1, 1)),
    "tile": (3, lambda x: x.tile(1, 2, 1, 1)),
    "slice of slices": (6, lambda x: x[:, 1:5][:, 2:]),
}


@pytest.mark.parametrize("name", few_fast(MOVES))
def test_of_reals(name: str) -> None:
    channels, function = MOVES[name]
    assert_exact(of_reals(channels, function), SIZE)


@pytest.mark.parametrize("name", few_fast(MOVES))
def test_of_signs_they_stay_bits(name: str) -> None:
    channels, function = MOVES[name]
    result = assert_exact(of_signs(channels, function, SIZE[:2]), SIZE, end_to_end=False)
    assert "binary_conv" in op_names(result)


@pytest.mark.parametrize("name", ["cat with itself pooled", "chunk", "slice from behind"])
def test_signs_of_what_moved(name: str) -> None:
    channels, function = MOVES[name]
    assert_exact(before_signs(channels, function, SIZE[:2]), SIZE, end_to_end=False)


def test_a_value_read_whole_and_in_part() -> None:
    def function(x: Tensor) -> Tensor:
        first, last = x.chunk(2, 1)
        return torch.cat((first * last, F.relu(first), x), 1)

    assert_exact(of_reals(6, function), SIZE)


class _Vectors(nn.Module):
    """Means and linear layers, joined and cut as vectors."""

    def __init__(self, layer: type[nn.Module]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3)
        self.linear = layer(12, 7)
        self.norm = nn.BatchNorm1d(7)
        self.head = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        both = torch.cat((x.mean((2, 3)), x.amax((2, 3))), dim=-1)
        vector = self.norm(self.linear(both))
        scores: Tensor = self.head(torch.cat((vector[:, 5:], vector.split(2, 1)[0]), 1))
        return scores


@pytest.mark.parametrize("layer", [nn.Linear, BinaryLinear])
def test_vectors(layer: type[nn.Module]) -> None:
    torch.manual_seed(0)
    assert_exact(_Vectors(layer).eval(), SIZE, end_to_end=layer is nn.Linear)


@pytest.mark.parametrize("dim", [-1, -2])
def test_a_selected_pixel_of_one(dim: int) -> None:
    def function(x: Tensor) -> Tensor:
        pixel = F.adaptive_max_pool2d(x, 1)
        return pixel.select(dim, 0).squeeze(-1)

    assert_exact(of_reals(4, function), SIZE)


REFUSED: dict[str, tuple[Function, str]] = {
    "every second channel": (lambda x: x[:, ::2], "takes every 2-th channel"),
    "channels by index": (lambda x: x[:, [0, 2]], "puts channels in another order"),
    "channels by a tensor": (
        lambda x: x.index_select(1, torch.tensor([0, 2])),
        "puts channels in another order",
    ),
    "nothing": (lambda x: torch.cat((x[:, 6:], x), 1), "takes nothing"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_refuses(name: str) -> None:
    function, reason = REFUSED[name]
    with pytest.raises(CompileError, match=re.escape(reason)) as caught:
        compiled(of_reals(6, function), SIZE)
    assert str(caught.value).startswith("the model (aten.")
