"""`Threshold` and `SignPadding` compile to integer thresholds and padded signs, ties included."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.compiler.every_way import assert_exact
from tests.compiler.nets import op_names
from torch import Tensor, nn

from signbit.nn import BinaryConv1d, BinaryConv2d, BinaryLinear, SignPadding, Threshold


def _of_dots(channels: int, seed: int, size: int = 3) -> nn.Module:
    """Dots of an odd number of signs, thresholds at reachable ones, both directions."""
    random = np.random.default_rng(seed)
    whole = random.integers(-9, 10, channels).tolist()
    flags = (random.random(channels) < 0.5).tolist()
    torch.manual_seed(seed)
    return nn.Sequential(
        Threshold([0.1, -0.2, 0.33], [True, False, True]),
        SignPadding(1, -1 if seed % 2 else 1),
        BinaryConv2d(3, channels, size),
        Threshold(whole, flags),
        SignPadding((1, 0, 2, 1)),
        BinaryConv2d(channels, 4, 3, groups=1),
        Threshold(0.5 if seed % 2 else -1, inverted=bool(seed % 3)),
        BinaryConv2d(4, 5, 1),
    ).eval()


@pytest.mark.parametrize(
    ("channels", "seed"),
    [
        (5, 0),
        *(pytest.param(c, s, marks=pytest.mark.slow) for c, s in ((1, 1), (65, 2), (33, 3))),
    ],
)
def test_whole_numbers_are_compared_as_such(channels: int, seed: int) -> None:
    result = assert_exact(_of_dots(channels, seed), (7, 6, 3))
    assert op_names(result)[-3:] == ["binary_conv"] * 3
    pads = "negative" if seed % 2 else "positive"
    for node, sign in zip(result.graph.nodes[-3:-1], (pads, "positive"), strict=True):
        (output,) = node.outputs
        assert result.constants[str(output.threshold)].dtype == np.int32
        assert node["pad_sign"] == sign
        assert not node.steps


class Reals(nn.Module):
    """Thresholds of real values, read as signs and as reals; of signals and vectors, too."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.stem = nn.Conv2d(3, 6, 3)
        self.first = Threshold([0.1, 0.0, -0.3, 0.7, 1e-3, -2.0], [True] * 3 + [False] * 3)
        self.padding = SignPadding((0, 2), -1)
        self.conv = BinaryConv1d(6, 7, 3)
        self.second = Threshold(1)
        self.head = BinaryLinear(7, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).amax(2)
        signs = self.first(x)
        x = self.conv(self.padding(signs))
        y: Tensor = self.head(self.second(x).mean(2)) + signs.mean(2)[:, :4]
        return y


@pytest.mark.slow
def test_reals_signals_and_vectors() -> None:
    assert_exact(Reals().eval(), (5, 9, 3), end_to_end=False)
