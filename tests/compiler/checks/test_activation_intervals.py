"""Bounds behind each activation, against the engine's own values and PyTorch's; and how tight."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from signbit.bitformat.activations import ACTIVATIONS, activate
from signbit.compiler.checks.activation_intervals import activated
from signbit.compiler.checks.interval_arithmetic import MOST, Interval, square
from signbit.compiler.ir import Step

CONSTANTS: dict[str, dict[str, float]] = {
    "clip": {"low": -0.75, "high": 1.25},
    "prelu": {"slope": -0.5},
    "maxout": {"slope": -0.5, "positive_slope": -2.0},
}

PYTORCH: dict[str, Any] = {
    "hard_sigmoid": F.hardsigmoid,
    "hardswish": F.hardswish,
    "silu": F.silu,
    "gelu": F.gelu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}

ENDS = np.float32(
    [-MOST, -100.0, -9.0, -3.0, -1.3, -0.7, -1e-3, 0.0, 1e-3, 0.6, 1.0, 3.0, 9.0, 100.0, MOST]
)


@pytest.mark.parametrize("op", [*ACTIVATIONS])
def test_every_value_lies_between_its_bounds(op: str) -> None:
    constants = {name: np.array([value]) for name, value in CONSTANTS.get(op, {}).items()}
    rows = [np.float32(value) for value in constants.values()]
    for first, low in enumerate(ENDS):
        for high in ENDS[first:]:
            bounds = activated(Step(op, constants), Interval(np.float64([low]), np.float64([high])))
            bounds = Interval(*(np.clip(bound, -MOST, MOST) for bound in bounds))
            x = np.linspace(float(low), float(high), 1001).astype(np.float32)
            values = [activate(op, x, *rows)]
            if op in PYTORCH:
                values.append(PYTORCH[op](torch.from_numpy(x)).numpy())
            for y in values:
                held = np.clip(y.astype(np.float64), -MOST, MOST)
                assert bounds.low <= held.min(), (low, high)
                assert held.max() <= bounds.high, (low, high)


@pytest.mark.parametrize("op", ["relu", "sigmoid", "hard_sigmoid"])
def test_what_is_never_negative_is_known_as_such(op: str) -> None:
    assert activated(Step(op, {}), Interval(np.array([-9.0]), np.array([9.0]))).low == 0


@pytest.mark.parametrize("op", ["hardswish", "silu", "gelu", "tanh"])
def test_what_keeps_its_side_of_zero(op: str) -> None:
    assert activated(Step(op, {}), Interval(np.array([0.5]), np.array([9.0]))).low >= 0
    assert activated(Step(op, {}), Interval(np.array([-9.0]), np.array([-0.5]))).high == 0


def test_of_what_nobody_knows_there_are_no_bounds() -> None:
    bounds = activated(Step("unheard of", {}), Interval(np.zeros(2), np.ones(2)))
    assert bounds.low.tolist() == [-MOST] * 2
    assert bounds.high.tolist() == [MOST] * 2


@pytest.mark.parametrize(("low", "high"), [(-2.0, 3.0), (-3.0, -1.0), (0.5, 0.5), (-1.0, 0.0)])
def test_of_a_square(low: float, high: float) -> None:
    bounds = square(Interval(np.float64([low]), np.float64([high])))
    x = np.linspace(low, high, 101)
    np.testing.assert_allclose([bounds.low[0], bounds.high[0]], [min(x * x), max(x * x)], rtol=1e-6)
    assert bounds.low >= 0
