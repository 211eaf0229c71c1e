"""Shuffled channels, of reals and of signs, against PyTorch and on every instruction set."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.compiler.every_way import assert_exact
from tests.compiler.nets import op_names, randomise
from tests.runtime.reference.one_node import run_node
from torch import Tensor, nn

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
