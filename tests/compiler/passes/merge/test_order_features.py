"""Flattened features behind the flatten, against PyTorch and on every instruction set."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from tests.compiler.every_way import assert_exact
from tests.compiler.mapping.bodies import few_fast
from tests.compiler.nets import compiled, op_names, randomise
from torch import Tensor, nn

from signbit.errors import CompileError
from signbit.nn.layers import BinaryConv2d, BinaryLinear

SIZE = (3, 4, 3)
C = 5
FEATURES = C * 12


class Net(nn.Module):
    """A map of 5 channels, what a function makes of its features, and a linear layer."""

    def __init__(self, function: Callable[[Net, Tensor], Tensor], last: type[nn.Module]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, C, 3, padding=1)
        self.binary = BinaryConv2d(C, C, 3, padding=1)
        self.norm = nn.BatchNorm1d(FEATURES)
        self.prelu = nn.PReLU(FEATURES)
        self.linear = nn.Linear(FEATURES, 6)
        self.function = function
        with torch.no_grad():
            width = function(self.eval(), self.stem(torch.zeros(1, 3, *SIZE[:2]))).shape[1]
        self.last = last(width, 4)
        randomise(self)
        with torch.no_grad():
            self.norm.running_mean.copy_(0.3 * torch.randn(FEATURES))  # type: ignore[union-attr]
            self.prelu.weight.copy_(torch.rand(FEATURES))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.last(self.function(self, self.stem(x)))
        return y


def _flat(x: Tensor) -> Tensor:
    return x.flatten(1)


MOVES: dict[str, Callable[[Net, Tensor], Tensor]] = {
    "batch-norm": lambda net, x: net.norm(_flat(x)),
    "prelu": lambda net, x: net.prelu(_flat(x)),
    "several": lambda net, x: net.prelu(net.norm(F.relu(_flat(x)) - 0.3) * 2),
    "bias": lambda net, x: _flat(x) + torch.linspace(-1, 1, FEATURES),
    "joined": lambda net, x: torch.cat((_flat(x), net.linear(_flat(x)), x.mean((2, 3))), 1),
    "joined maps": lambda net, x: torch.cat((_flat(x), _flat(F.max_pool2d(x, 2))), 1),
    "joined with itself": lambda net, x: torch.cat((net.norm(_flat(x)),) * 2, 1),
    "sum": lambda net, x: net.norm(_flat(x)) + _flat(x),
    "product": lambda net, x: _flat(x) * net.prelu(_flat(x)),
    "gate": lambda net, x: net.norm(_flat(x)) * net.linear(_flat(x))[:, :1].sigmoid(),
    "between zeros": lambda net, x: F.pad(net.norm(_flat(x)), (2, 3)),
    "whole map of one channel": lambda net, x: _flat(F.max_pool2d(x[:, :1], 1))[:, 3:9],
    "read twice": lambda net, x: torch.cat(
        (net.linear(_flat(x)), net.linear(net.norm(_flat(x)))), 1
    ),
    "behind a binary layer": lambda net, x: net.norm(_flat(net.binary(x))),
    "signs": lambda net, x: net.prelu(_flat(torch.ops.signbit.sign(x, "clip", []))),
}


@pytest.mark.parametrize("name", few_fast(MOVES))
@pytest.mark.parametrize("last", [nn.Linear, BinaryLinear])
def test_features(name: str, last: type[nn.Module]) -> None:
    assert_exact(Net(MOVES[name], last).eval(), SIZE, end_to_end=last is nn.Linear)


def test_thresholds_for_each_feature_are_compared_where_the_map_is_flattened() -> None:
    result = assert_exact(Net(MOVES["batch-norm"], BinaryLinear).eval(), SIZE, end_to_end=False)
    assert op_names(result) == ["real_conv", "flatten", "binary_conv"]
    assert [output.kind for output in result.graph.nodes[1].outputs] == ["signs"]


REFUSED: dict[str, tuple[Callable[[Net, Tensor], Tensor], str]] = {
    "a part": (lambda net, x: _flat(x)[:, :7], "takes features that do not lie side by side"),
    "another order": (
        lambda net, x: _flat(x) + net.linear(_flat(x)).repeat(1, 10),
        "combines flattened features with a vector in another order",
    ),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_refuses(name: str) -> None:
    function, reason = REFUSED[name]
    with pytest.raises(CompileError, match=re.escape(reason)):
        compiled(Net(function, nn.Linear).eval(), SIZE)


@pytest.mark.parametrize("norm", [False, True])
def test_refuses_a_flattened_map_as_the_result(norm: bool) -> None:
    model = nn.Sequential(nn.Conv2d(3, C, 3, padding=1), nn.Flatten())
    if norm:
        model.append(nn.BatchNorm1d(FEATURES))
    with pytest.raises(CompileError, match="must end in one value per class"):
        compiled(model.eval(), SIZE)
