"""Columns exchanged for channels, and rows joined and parted, of reals and of signs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.compiler.every_way import assert_exact
from tests.compiler.mapping.bodies import before_signs, of_reals, of_signs
from tests.compiler.nets import op_names, randomise
from tests.compiler.small import randomise_latents
from tests.runtime.reference.one_node import run_node
from torch import Tensor, nn

from signbit.nn.layers import BinaryConv1d, BinaryLinear

Function = Callable[[Tensor], Tensor]


@settings(deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate])
@given(height=st.integers(1, 4), width=st.integers(1, 6), channels=st.integers(1, 9))
def test_the_reference_moves_values(height: int, width: int, channels: int) -> None:
    x = np.random.default_rng(0).standard_normal((2, height, width, channels)).astype(np.float32)
    for values in (x, np.where(x < 0, -1, 1).astype(np.int8)):
        np.testing.assert_array_equal(run_node("transpose", values), values.swapaxes(2, 3))
        joined = run_node("reshape", values, rows=1, count=channels)
        np.testing.assert_array_equal(joined, values.reshape(2, 1, -1, channels))
        parted = run_node("reshape", values, rows=width, count=height)
        np.testing.assert_array_equal(parted, values.reshape(2, width, channels, height))


REALS: dict[str, tuple[Function, list[str]]] = {
    "tokens of pixels": (lambda x: x.flatten(2).transpose(1, 2), ["reshape"]),
    "to tokens and back": (
        lambda x: x.flatten(2).transpose(1, 2).mul(-2).transpose(1, 2).unflatten(2, (4, 5)),
        ["reshape", "reshape"],
    ),
    "pixels, channels last": (
        lambda x: x.permute(0, 2, 3, 1).flatten(1, 2).reshape(-1, 4, 5, 7),
        ["reshape", "reshape"],
    ),
    "a linear layer over the pixels": (
        nn.Sequential(nn.Flatten(2), nn.Linear(20, 3)),
        ["transpose"],
    ),
    "softmax over columns": (lambda x: x * x.softmax(3), ["transpose", "transpose"]),
    "a residual in another order": (
        lambda x: x + F.linear(x, torch.linspace(-1, 1, 25).reshape(5, 5)),
        ["transpose", "transpose"],
    ),
    "joined in another order": (
        lambda x: torch.cat((x, F.linear(x, torch.linspace(-1, 1, 25).reshape(5, 5))), 1),
        ["transpose", "transpose"],
    ),
    "places": (lambda x: x * torch.linspace(-1, 1, 20).reshape(4, 5) + 1, ["reshape"]),
    "places of tokens": (
        lambda x: x.flatten(2).transpose(1, 2) + torch.linspace(-9, 9, 140).reshape(1, 20, 7),
        ["reshape", "reshape"],
    ),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name == "places of tokens" else [pytest.mark.slow])
        for name in REALS
    ],
)
def test_of_reals(name: str) -> None:
    function, moves = REALS[name]
    result = assert_exact(of_reals(7, function), (4, 5, 3), end_to_end=False)
    found = op_names(result)
    assert all(found.count(op) >= moves.count(op) for op in moves)


class Mixer(nn.Module):
    """A binary MLP-Mixer: layers over the patches, and layers over the channels of each."""

    def __init__(self, channels: int, patches: int) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.stem = nn.Conv2d(3, channels, 2, 2)
        self.places = nn.Parameter(torch.randn(1, patches, channels))
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(3))
        self.over_patches = BinaryLinear(patches, patches)
        self.over_channels = nn.Sequential(
            BinaryLinear(channels, 2 * channels), nn.PReLU(1), BinaryLinear(2 * channels, channels)
        )
        self.head = nn.Linear(channels, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).flatten(2).transpose(1, 2) + self.places
        x = x + self.over_patches(self.norms[0](x).transpose(1, 2)).transpose(1, 2)
        x = x + self.over_channels(self.norms[1](x))
        y: Tensor = self.head(self.norms[2](x).mean(1))
        return y


@pytest.mark.parametrize(
    ("channels", "side"),
    [(9, 6), *(pytest.param(c, s, marks=pytest.mark.slow) for c, s in ((1, 4), (65, 4), (16, 8)))],
)
def test_a_binary_mixer(channels: int, side: int) -> None:
    model = Mixer(channels, (side // 2) ** 2).eval()
    randomise_latents(model)
    result = assert_exact(model, (side, side, 3), end_to_end=False)
    assert op_names(result).count("binary_conv") == 3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["to tokens and back", "pixels, channels last"])
def test_of_signs(name: str) -> None:
    function, _ = REALS[name]
    last = name == "pixels, channels last"
    back: Function = (lambda x: function(x).permute(0, 3, 1, 2)) if last else function
    for make in (of_signs, before_signs):
        assert_exact(make(7, lambda x: back(x - 0.1), (4, 5)), (4, 5, 3), end_to_end=False)


@pytest.mark.slow
def test_a_signal_s_columns_as_channels() -> None:
    """(N, L, C) given to a layer of (N, channels, L): the columns are the channels."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(6)
            self.stem = nn.Conv1d(3, 6, 1)
            self.norm = nn.BatchNorm1d(9)
            self.conv = BinaryConv1d(9, 5, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.conv(self.norm(self.stem(x.squeeze(2)).transpose(1, 2)))
            return y

    assert_exact(randomise(Net()), (1, 9, 3), end_to_end=False)
