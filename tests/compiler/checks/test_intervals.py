"""Bounds against values that PyTorch computes, of random networks and images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compiler.nets import MEAN, STD, randomise
from torch import Tensor, nn

from signbit.compiler.checks.intervals import intervals
from signbit.compiler.exporting.exported import Replay, export, normalise
from signbit.compiler.inputs import ModelInput
from signbit.compiler.trace import trace
from signbit.nn.binarizers import AdaptiveActivation, AdaptiveWeight, MeanAbsMap
from signbit.nn.layers import BinaryConv2d

SIZE = (6, 6, 3)
C = 4


class _Step(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


STEPS: dict[str, Callable[[], nn.Module]] = {
    "conv": lambda: nn.Conv2d(C, C, 3, padding=1),
    "grouped": lambda: nn.Conv2d(C, C, 3, padding=1, groups=2, bias=False),
    "binary": lambda: BinaryConv2d(C, C, 3, padding=1),
    "xnor": lambda: BinaryConv2d(C, C, 3, padding=1, activation_binarizer=MeanAbsMap()),
    "adabin": lambda: BinaryConv2d(
        C, C, 3, padding=1, weight_binarizer=AdaptiveWeight(), activation_binarizer=_adaptive()
    ),
    "norm": lambda: nn.BatchNorm2d(C),
    "relu": nn.ReLU,
    "hardtanh": nn.Hardtanh,
    "prelu": lambda: nn.PReLU(C, -0.3),
    "sigmoid": nn.Sigmoid,
    "clip": lambda: nn.Hardtanh(-0.5, 2),
    "from below": lambda: _Step(lambda x: x.clamp_min(0.1)),
    "per channel": lambda: _Step(
        lambda x: torch.minimum(x, torch.linspace(-1, 1, C)[:, None, None])
    ),
    "hard-sigmoid": nn.Hardsigmoid,
    "hardswish": nn.Hardswish,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
    "square": lambda: _Step(lambda x: x * x),
    "maxout": lambda: _Step(lambda x: x * torch.where(x < 0, -0.5, 2.0)),
    "shortcut": lambda: _Step(lambda x: x + F.relu(x)),
    "max pool": lambda: nn.MaxPool2d(3, 1, 1),
    "average": lambda: nn.AvgPool2d(3, 1),
    "padded average": lambda: nn.AvgPool2d(3, 1, 1),
    "joined": lambda: _Step(lambda x: torch.cat((x[:, 1:], x[:, :1]), 1)),
    "shuffled": lambda: _Step(lambda x: F.pixel_shuffle(x, 2)[:, :, ::2, ::2].repeat(1, C, 1, 1)),
    "unshuffled": lambda: _Step(
        lambda x: F.pixel_unshuffle(F.interpolate(x, scale_factor=2), 2)[:, 2 : 2 + C]
    ),
    "maximum": lambda: _Step(lambda x: x - F.adaptive_max_pool2d(x, 1)),
    "mean": lambda: _Step(lambda x: x + x.mean((2, 3), keepdim=True)),
    "down": lambda: _Step(lambda x: 0.25 - x / 3),
}


def _adaptive() -> AdaptiveActivation:
    binarizer = AdaptiveActivation()
    with torch.no_grad():
        binarizer.alpha.fill_(0.7)
        binarizer.beta.fill_(-0.4)
    return binarizer


@pytest.mark.slow
@settings(derandomize=True, deadline=None, max_examples=20)
@given(
    names=st.lists(st.sampled_from(sorted(STEPS)), min_size=3, max_size=8), seed=st.integers(0, 9)
)
def test_every_value_lies_between_its_bounds(names: list[str], seed: int) -> None:
    torch.manual_seed(seed)
    steps = [STEPS[name]() for name in names if name != "average" or names.count("average") < 3]
    model = randomise(nn.Sequential(nn.Conv2d(3, C, 3, padding=1), *steps), seed)
    program = export(model, SIZE)
    graph = trace(program, [ModelInput("image", SIZE, 3, MEAN, STD)])
    bounds = intervals(graph)
    images = np.random.default_rng(seed).integers(0, 256, (8, *SIZE), dtype=np.uint8)
    images[:2] = [[[[0]]], [[[255]]]]
    replay = Replay(program, [node.origin.export for node in graph])
    replay(normalise(images, MEAN, STD))
    compared = 0
    for node in graph:
        value = replay.recorded.get(node.origin.export)
        if value is None or node.op == "choice":
            continue
        value = value.flatten(2) if value.dim() > 2 else value.unsqueeze(-1)
        low, high = (torch.from_numpy(bound)[:, None] for bound in bounds[node.name])
        assert (value >= low).all(), node
        assert (value <= high).all(), node
        compared += 1
    assert compared >= len(steps)
