"""Shuffled channels, of reals and of signs, against PyTorch and on every instruction set."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.compiler.every_way import assert_exact
from tests.compiler.nets import compiled, op_names, randomise
from tests.runtime.reference.one_node import run_node
from torch import Tensor, nn

from signbit.errors import CompileError
from signbit.nn.layers import BinaryConv2d

PHASES = [Phase.explicit, Phase.generate]


@settings(deadline=None, derandomize=True, database=None, phases=PHASES)
@given(
    groups=st.integers(1, 9),
    each=st.integers(1, 9),
    height=st.integers(1, 3),
    width=st.integers(1, 3),
)
def test_the_reference_is_pytorchs(groups: int, each: int, height: int, width: int) -> None:
    x = (
        np.random.default_rng(0)
        .standard_normal((2, height, width, groups * each))
        .astype(np.float32)
    )
    for values in (x, np.where(x < 0, -1, 1).astype(np.int8)):
        shuffled = torch.channel_shuffle(torch.from_numpy(values).permute(0, 3, 1, 2), groups)
        found = run_node("channel_shuffle", values, groups=groups)
        np.testing.assert_array_equal(found, shuffled.permute(0, 2, 3, 1).numpy())


class _Shuffles(nn.Module):
    """A stem, two convolutions in groups and a shuffle between them: of reals, or of signs."""

    def __init__(self, groups: int, each: int, binary: bool) -> None:
        super().__init__()
        channels = groups * each
        conv = BinaryConv2d if binary else nn.Conv2d
        self.stem = nn.Sequential(nn.Conv2d(3, channels, 3), nn.BatchNorm2d(channels))
        self.first = conv(channels, channels, 1, groups=groups)
        self.norm = nn.BatchNorm2d(channels)
        self.shuffle = nn.ChannelShuffle(groups)
        self.second = conv(channels, channels, 3, padding=1, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y: Tensor = self.second(self.shuffle(self.norm(self.first(x)))) + self.shuffle(x)
        return y


class _Signs(nn.Module):
    """Signs are shuffled, then read in other groups than the signs that they were."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 66, 3), nn.BatchNorm2d(66))
        self.shuffle = nn.ChannelShuffle(11)
        self.in_three = BinaryConv2d(66, 6, 3, groups=3)
        self.in_two = BinaryConv2d(66, 6, 3, groups=2)

    def forward(self, x: Tensor) -> Tensor:
        signs = torch.ops.signbit.sign(self.stem(x), "clip", [])
        y: Tensor = self.in_three(self.shuffle(signs)) + self.in_two(signs)
        return y


@pytest.mark.parametrize(
    ("groups", "each", "binary"),
    [
        (3, 5, False),
        (2, 3, True),
        pytest.param(1, 4, True, marks=pytest.mark.slow),
        pytest.param(5, 1, False, marks=pytest.mark.slow),
        pytest.param(5, 13, True, marks=pytest.mark.slow),
        pytest.param(2, 64, True, marks=pytest.mark.slow),
    ],
)
def test_between_convolutions(groups: int, each: int, binary: bool) -> None:
    torch.manual_seed(0)
    model = randomise(_Shuffles(groups, each, binary))
    result = assert_exact(model, (6, 5, 3), end_to_end=not binary)
    assert op_names(result).count("channel_shuffle") == 2


def test_signs_stay_bits() -> None:
    torch.manual_seed(0)
    result = assert_exact(randomise(_Signs()), (7, 6, 3), end_to_end=False)
    (shuffle,) = [node for node in result.graph.nodes if node.op == "channel_shuffle"]
    assert [output.kind for output in shuffle.outputs] == ["signs"]


@pytest.mark.parametrize("groups", [1, 2])
def test_features_are_not_shuffled(groups: int) -> None:
    """They lie in another order in the file."""
    model = nn.Sequential(
        *(nn.Conv2d(3, 6, 3), nn.Flatten(), nn.Unflatten(1, (96, 1, 1))),
        *(nn.ChannelShuffle(groups), nn.Flatten(), nn.Linear(96, 5)),
    )
    with pytest.raises(CompileError, match="is channel_shuffle of flattened features"):
        compiled(model.eval(), (6, 6, 3))


def _viewed(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    return x.view(n, 3, c // 3, h, w).transpose(1, 2).contiguous().view(n, -1, h, w)


def _permuted(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    return x.reshape(n, 3, c // 3, h, w).permute(0, 2, 1, -2, 4).reshape(n, c, h, w)


def _flattened(x: Tensor) -> Tensor:
    return x.unflatten(1, (3, -1)).swapaxes(-3, 1).flatten(1, 2)


class _ByHand(nn.Module):
    def __init__(self, shuffle: Callable[[Tensor], Tensor], binary: bool) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 15, 3), nn.BatchNorm2d(15))
        self.shuffle = shuffle
        self.last = (BinaryConv2d if binary else nn.Conv2d)(15, 6, 3, groups=3)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.last(self.shuffle(self.stem(x)))
        return y


@pytest.mark.parametrize("shuffle", [_viewed, _permuted, _flattened])
def test_by_views(shuffle: Callable[[Tensor], Tensor]) -> None:
    torch.manual_seed(0)
    for binary in (False, True):
        result = assert_exact(randomise(_ByHand(shuffle, binary)), (6, 7, 3), end_to_end=not binary)
        assert op_names(result).count("channel_shuffle") == 1


def _read_twice(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    parted = x.view(n, 3, c // 3, h, w)
    return parted.transpose(1, 2).reshape(x.shape) + parted.view(x.shape)


def _activated(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    return torch.relu(x.view(n, 3, c // 3, h, w).transpose(1, 2)).reshape(x.shape)


def _back_and_forth(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    return x.view(n, 3, c // 3, h, w).transpose(1, 2).transpose(1, 2).reshape(x.shape)


def _other_dimensions(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    return x.view(n, 3, c // 3, h, w).transpose(2, 3).reshape(x.shape)


def _rows(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    return x.view(n, c, h // 2, 2, w).transpose(1, 2).reshape(x.shape)


def test_views_there_and_back_are_no_shuffle() -> None:
    result = assert_exact(randomise(_ByHand(_back_and_forth, False)), (6, 8, 3))
    assert "channel_shuffle" not in op_names(result)


@pytest.mark.slow
@pytest.mark.parametrize(
    "shuffle",
    [_read_twice, _other_dimensions, _rows, lambda x: x.permute(0, 2, 3, 1).reshape(x.shape)],
)
def test_a_map_of_other_dimensions_is_no_shuffle(shuffle: Callable[[Tensor], Tensor]) -> None:
    result = assert_exact(randomise(_ByHand(shuffle, False)), (6, 8, 3))
    assert "channel_shuffle" not in op_names(result)


@pytest.mark.parametrize("shuffle", [_activated, lambda x: x.transpose(2, 3)])
def test_what_has_other_dimensions_is_refused(shuffle: Callable[[Tensor], Tensor]) -> None:
    model = _ByHand(shuffle, False)
    model.last = nn.Identity()  # type: ignore[assignment]
    with pytest.raises(CompileError, match="the engine"):
        compiled(model.eval(), (6, 6, 3))
