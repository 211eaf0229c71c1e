"""Signs that are read as the values −1 and +1, beside binary layers that read them as bits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from tests.compiler.every_way import assert_exact
from tests.compiler.file_nodes import kinds
from tests.compiler.nets import compiled, op_names, randomise
from torch import Tensor, nn

from signbit.errors import CompileError
from signbit.nn.layers import BinaryConv2d

SIZE = (6, 7, 3)
CHANNELS = 5


class Net(nn.Module):
    """A stem, a function of it that may use a few layers, and class scores."""

    def __init__(self, function: Callable[[Net, Tensor], Tensor], *, scores: bool = True) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, CHANNELS, 3, padding=1)
        self.function = function
        self.norm, self.last_norm = nn.BatchNorm2d(CHANNELS), nn.BatchNorm2d(CHANNELS)
        self.binary = BinaryConv2d(CHANNELS, CHANNELS, 3, 1, 1)
        self.real = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.prelu = nn.PReLU(CHANNELS)
        self.scores = nn.Linear(CHANNELS, 4) if scores else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.function(self, self.stem(x))
        if self.scores is None:
            return y
        scores: Tensor = self.scores(y if y.dim() == 2 else y.mean((2, 3)))
        return scores


def signs(x: Tensor) -> Tensor:
    y: Tensor = torch.ops.signbit.sign(x, "clip", [])
    return y


def gate(x: Tensor) -> Tensor:
    return x.mean((2, 3), keepdim=True).sigmoid()


def maxout(x: Tensor) -> Tensor:
    return x * torch.where(x < 0, torch.tensor(0.3), torch.tensor(-0.7))


SCALE = torch.linspace(-1, 1, CHANNELS).reshape(-1, 1, 1)

VALUES: dict[str, Callable[[Net, Tensor], Tensor]] = {
    "itself": lambda net, x: signs(x),
    "batch-norm": lambda net, x: net.norm(signs(x)),
    "scale": lambda net, x: signs(x) * SCALE - 0.3,
    "shortcut": lambda net, x: x + signs(x),
    "sum with reals": lambda net, x: signs(x) + x,
    "behind a binary layer": lambda net, x: net.norm(net.binary(x)) + signs(x),
    "in front of a binary layer": lambda net, x: signs(x) + net.norm(net.binary(x)),
    "difference": lambda net, x: signs(x) - x,
    "difference from reals": lambda net, x: x - signs(x),
    "gated": lambda net, x: signs(x) * gate(x),
    "gate": lambda net, x: gate(x) * signs(x),
    "product with reals": lambda net, x: x * signs(x),
    "product of signs": lambda net, x: signs(x) * signs(x + 1),
    "sum of signs": lambda net, x: signs(x) + signs(x + 1),
    "square": lambda net, x: x + signs(x) * signs(x),
    "average pool": lambda net, x: F.avg_pool2d(signs(x), 2),
    "averages": lambda net, x: F.adaptive_avg_pool2d(signs(x), (3, 7)),
    "mean": lambda net, x: signs(x).mean((2, 3)),
    "mean magnitude": lambda net, x: x * signs(x).abs().mean(1, keepdim=True),
    "relu": lambda net, x: F.relu(signs(x)),
    "hardtanh": lambda net, x: F.hardtanh(signs(x)),
    "prelu": lambda net, x: net.prelu(signs(x)),
    "sigmoid": lambda net, x: signs(x).sigmoid(),
    "maxout": lambda net, x: maxout(signs(x)),
    "softmax": lambda net, x: F.softmax(signs(x), 1),
    "unit length": lambda net, x: F.normalize(signs(x) + 0.3, dim=1),
    "max pool": lambda net, x: F.max_pool2d(signs(x), 2) + F.max_pool2d(x, 2),
    "subsampled": lambda net, x: F.max_pool2d(x, 1, 2) + signs(x)[:, :, ::2, ::2],
    "real layer": lambda net, x: net.real(net.norm(signs(x))),
    "bits and values": lambda net, x: net.binary(signs(x)) + net.norm(signs(x)),
    "real layer and values": lambda net, x: net.real(signs(x)) + signs(x),
}


@pytest.mark.parametrize("name", list(VALUES))
def test_values(name: str) -> None:
    assert_exact(randomise(Net(VALUES[name])), SIZE)


@pytest.mark.parametrize("name", ["itself", "batch-norm", "sum with reals"])
def test_values_that_the_network_yields(name: str) -> None:
    assert_exact(randomise(Net(VALUES[name], scores=False)), SIZE)


def test_zero_channels_around_signs_are_values() -> None:
    def widened(net: Net, x: Tensor) -> Tensor:
        return net.real(x) + F.pad(signs(x), (0, 0, 0, 0, 2, 3))

    net = Net(widened)
    net.real = nn.Conv2d(CHANNELS, 2 * CHANNELS, 1)
    net.scores = nn.Linear(2 * CHANNELS, 4)
    assert_exact(randomise(net), SIZE)


MATHS: dict[str, Callable[[Net, Tensor], Tensor]] = {
    "batch-norm": lambda net, x: net.norm(signs(x)),
    "two scales": lambda net, x: F.hardtanh(signs(x) * SCALE - 0.1) * SCALE + 0.05,
    "sigmoid": lambda net, x: signs(x).sigmoid() - 0.5,
    "hill": lambda net, x: F.leaky_relu(signs(x) * SCALE, -0.7) - 0.4,
    "constant channels": lambda net, x: signs(x) * SCALE + 0.6,
}


@pytest.mark.parametrize("name", list(MATHS))
def test_a_sign_of_maths_on_signs_is_one_comparison(name: str) -> None:
    """And nothing between the binary layers is stored as reals."""

    def between(net: Net, x: Tensor) -> Tensor:
        return net.last_norm(net.binary(MATHS[name](net, x)))

    result = assert_exact(randomise(Net(between)), SIZE)
    assert op_names(result)[:3] == ["real_conv", "identity", "binary_conv"]
    assert [kinds(node) for node in result.graph.nodes[:2]] == [["signs"], ["signs"]]
    assert not result.graph.nodes[1].steps


def test_signs_that_are_read_as_values_only_may_be_constant() -> None:
    """They are of no use, but no layer is deceived."""
    assert_exact(randomise(Net(lambda net, x: x + signs(F.relu(x)))), SIZE)


def test_maths_that_makes_signs_constant_is_refused() -> None:
    with pytest.raises(CompileError, match=r"binary .*every sign of its input is the same"):
        compiled(randomise(Net(lambda net, x: net.binary(F.relu(signs(x))))), SIZE)


@pytest.mark.parametrize("size", [(1, 1, 1), (1, 5, 2), (3, 1, 3)])
def test_other_sizes(size: tuple[int, int, int]) -> None:
    net = Net(VALUES["bits and values"])
    net.stem = nn.Conv2d(size[2], CHANNELS, 3, padding=1)
    assert_exact(randomise(net), size)
