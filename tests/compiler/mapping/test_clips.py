"""Values between bounds: every way that PyTorch has of saying so."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from tests.compiler.every_way import assert_exact
from tests.compiler.file_nodes import step_ops
from tests.compiler.nets import compiled
from torch import Tensor, nn

from signbit.errors import CompileError

CHANNELS = 3
LOW = torch.tensor([-0.5, 0.0, 0.25]).reshape(CHANNELS, 1, 1)
HIGH = torch.tensor([-0.1, 0.5, 0.3]).reshape(1, CHANNELS, 1, 1)
INFINITY = float("inf")

Function = Callable[[Tensor], Tensor]


class Net(nn.Module):
    def __init__(self, function: Function) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.stem = nn.Conv2d(3, CHANNELS, 3)
        self.function = function
        self.last = nn.Conv2d(CHANNELS, 2, 2)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.last(self.function(2 * self.stem(x)))
        return y


KNOWN: dict[str, tuple[Function, str]] = {
    "relu6": (F.relu6, "clip"),
    "ReLU6": (nn.ReLU6(), "clip"),
    "hardtanh of other bounds": (nn.Hardtanh(-0.25, 1.5), "clip"),
    "clamp": (lambda x: x.clamp(-0.3, 0.2), "clip"),
    "clip": (lambda x: torch.clip(x, 0, 0.5), "clip"),
    "clamp from below": (lambda x: x.clamp_min(-0.25), "clip"),
    "clamp from above": (lambda x: x.clamp_max(0.25), "clip"),
    "clamp, low alone": (lambda x: x.clamp(min=0.1), "clip"),
    "bounds the wrong way round": (lambda x: x.clamp(0.2, -0.1), "clip"),
    "bounds per channel": (lambda x: x.clamp(LOW, HIGH), "clip"),
    "one bound per channel": (lambda x: torch.clamp(x, max=HIGH), "clip"),
    "larger than a constant": (lambda x: torch.maximum(x, LOW), "clip"),
    "larger than a constant, first": (lambda x: torch.max(LOW, x), "clip"),
    "smaller than a constant": (lambda x: torch.minimum(HIGH, x), "clip"),
    "smaller than a number": (lambda x: torch.min(x, torch.tensor(0.25)), "clip"),
    "threshold": (nn.Threshold(0.1, 0.1), "clip"),
    "infinite above": (lambda x: x.clamp(0, INFINITY), "relu"),
    "relu by a maximum": (lambda x: torch.maximum(x, torch.zeros(())), "relu"),
    "relu by a threshold": (nn.Threshold(0, 0), "relu"),
    "hardtanh by bounds": (lambda x: torch.clamp(x, -torch.ones(()), torch.ones(())), "hardtanh"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*KNOWN])
def test_known(name: str) -> None:
    function, step = KNOWN[name]
    result = assert_exact(Net(function).eval(), (5, 4, 3))
    assert step in step_ops(result.graph.nodes[0])


def test_a_clip_of_each_side() -> None:
    def function(x: Tensor) -> Tensor:
        return torch.minimum(x.clamp_min(-0.25), HIGH).clamp(min=LOW) + F.relu6(x)

    assert_exact(Net(function).eval(), (5, 4, 3))


def test_no_bounds_are_no_step() -> None:
    result = assert_exact(Net(lambda x: x.clamp(-INFINITY, INFINITY)).eval(), (4, 4, 3))
    assert [step_ops(node) for node in result.graph.nodes] == [[], ["affine"]]


REFUSED: dict[str, tuple[Function, str]] = {
    "two values": (lambda x: torch.maximum(x, -x), "takes the larger of two values"),
    "two values, smaller": (lambda x: torch.min(x, -x), "takes the smaller of two values"),
    "a jump": (lambda x: F.threshold(x, 0.1, 0.0), "the one that does not: value=0.1"),
    "a bound of the image": (lambda x: x.clamp(x.mean((2, 3), keepdim=True)), "depends on the"),
    "a bound a pixel": (lambda x: torch.maximum(x, torch.ones(3, 2)), "one number per channel"),
    "a bound that is NaN": (lambda x: x.clamp(float("nan"), 1), "has a bound that is NaN"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*REFUSED])
def test_refuses(name: str) -> None:
    function, reason = REFUSED[name]
    with pytest.raises(CompileError, match=r"the model \(aten\..*" + re.escape(reason)):
        compiled(Net(function).eval(), (5, 4, 3))
