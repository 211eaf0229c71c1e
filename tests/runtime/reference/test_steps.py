"""Every step of the reference that reads constants alone, against PyTorch and numbers by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtime.reference.kinds import batches
from tests.runtime.reference.one_node import run_node, run_outputs
from torch import Tensor

from signbit.bitformat.exact import fma
from signbit.bitformat.table import OPERATIONS, STEPS
from signbit.runtime.reference.ops import OPERATIONS as FUNCTIONS
from signbit.runtime.reference.steps import STEPS as STEP_FUNCTIONS

Array = npt.NDArray[Any]

few = settings(derandomize=True, deadline=None, max_examples=40)


def test_every_row_of_the_table_has_its_function() -> None:
    assert sorted(FUNCTIONS) == sorted(OPERATIONS)
    assert sorted(STEP_FUNCTIONS) == sorted(STEPS)


def step(v: Array, op: str, **keys: Any) -> Array:
    return run_node("identity", v, steps=[(op, keys)])


PYTORCH: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "hardtanh": F.hardtanh,
    "sigmoid": F.sigmoid,
    "hard_sigmoid": F.hardsigmoid,
    "hardswish": F.hardswish,
    "silu": F.silu,
    "gelu": F.gelu,
    "tanh": F.tanh,
}
"""Activations without constants."""


@pytest.mark.parametrize("op", PYTORCH)
@few
@given(x=batches())
def test_activations_are_pytorchs(op: str, x: Array) -> None:
    expected = PYTORCH[op](torch.from_numpy(x).double()).numpy()
    np.testing.assert_allclose(step(x, op), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("op", PYTORCH)
def test_activations_near_and_far(op: str) -> None:
    """From −100 to 100, closely about 0, and where they bend."""
    x = np.concatenate(
        [np.linspace(-100, 100, 5001), np.linspace(-1, 1, 5001), np.geomspace(1e-30, 1, 500)]
    )
    x = np.concatenate([x, -x]).astype(np.float32).reshape(-1, 1, 1, 1)
    expected = PYTORCH[op](torch.from_numpy(x).double()).numpy()
    np.testing.assert_allclose(step(x, op), expected, rtol=1e-6, atol=3e-7)


@few
@given(x=batches(), seed=st.integers(0, 2**32))
def test_steps_with_constants(x: Array, seed: int) -> None:
    channels = x.shape[3]
    a, b = np.random.default_rng(seed).standard_normal((2, channels)).astype(np.float32)
    low, high = np.minimum(a, b), np.maximum(a, b)
    t = torch.from_numpy(x)
    expected = F.prelu(t.movedim(-1, 1), torch.from_numpy(a)).movedim(1, -1)
    np.testing.assert_array_equal(step(x, "prelu", slope=a), expected)
    expected = torch.clip(t, torch.from_numpy(low), torch.from_numpy(high))
    np.testing.assert_array_equal(step(x, "clip", low=low, high=high), expected)
    expected = torch.where(t < 0, t * torch.from_numpy(a), t * torch.from_numpy(b))
    actual = step(x, "maxout", slope=a, positive_slope=b)
    np.testing.assert_array_equal(actual, expected)
    np.testing.assert_array_equal(step(x, "offset", value=a), x + a)
    affine = x.astype(np.float64) * a + b
    actual = step(x, "affine", scale=a, shift=b)
    np.testing.assert_allclose(actual, affine, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(actual, fma(x, a, b))


def by_hand(v: list[float], op: str, **keys: list[float]) -> Array:
    constants = {name: np.float32(value) for name, value in keys.items()}
    return step(np.float32(v).reshape(-1, 1, 1, 1), op, **constants).ravel()


V = [-3, -1, -0.5, -0.0, 0.0, 0.5, 2]


def test_activations_by_hand() -> None:
    relu = by_hand(V, "relu")
    assert relu.tolist() == [0, 0, 0, 0, 0, 0.5, 2]
    assert np.signbit(relu[3])  # −0.0 < 0 is false, so −0.0 stays
    assert by_hand(V, "hardtanh").tolist() == [-1, -1, -0.5, 0, 0, 0.5, 1]
    assert by_hand(V, "prelu", slope=[-2]).tolist() == [6, 2, 1, 0, 0, 0.5, 2]
    maxout = by_hand(V, "maxout", slope=[-2], positive_slope=[-0.5])
    assert maxout.tolist() == [6, 2, 1, 0, 0, -0.25, -1]
    assert by_hand(V, "clip", low=[-0.5], high=[1.5]).tolist() == [-0.5] * 3 + [0, 0, 0.5, 1.5]
    # First low, then high: below both it is low, though low is the larger.
    assert by_hand([-2, 0.5, 2], "clip", low=[1], high=[-1]).tolist() == [1, 1, -1]
    assert by_hand([-4, -3, 0, 3, 4], "hard_sigmoid").tolist() == [0, 0, 0.5, 1, 1]
    assert by_hand([-4, -3, 0, 3, 4], "hardswish").tolist() == [0, 0, 0, 3, 4]


@pytest.mark.parametrize("op", [*PYTORCH, "clip", "prelu", "maxout", "offset", "affine"])
def test_nan_passes_through(op: str) -> None:
    keys = {key.name: [0.5] for key in STEPS[op].keys if key.type == "constant"}
    assert np.isnan(by_hand([np.nan], op, **keys)).all()


def test_scale_and_shift_round_once() -> None:
    x, scale = np.float32(1 + 2.0**-12), np.float32(1 + 2.0**-12)
    shift = np.float32(2.0**-60)
    (y,) = by_hand([float(x)], "affine", scale=[float(scale)], shift=[float(shift)])
    assert y == np.float32(1 + 2.0**-11 + 2.0**-23)  # the product is halfway; the shift decides
    assert x * scale + shift != y


def test_steps_follow_each_other() -> None:
    """In the order written, and outputs follow as many of them as they say."""
    one = np.float32([1])
    v = np.float32([-3, -1, 0.5, 2]).reshape(-1, 1, 1, 1)
    written = run_outputs(
        "identity",
        v,
        steps=[("hardtanh", {}), ("offset", {"value": one}), ("offset", {"value": one})],
        outputs=[
            {"kind": "real"},
            {"kind": "real", "after": 0},
            {"kind": "signs", "after": 1},
            {"kind": "real", "after": 2},
            {"kind": "signs", "after": 2, "threshold": np.float32([1])},
        ],
    )
    assert [tensor.ravel().tolist() for tensor in written] == [
        [1, 1, 2.5, 3],
        [-3, -1, 0.5, 2],
        [1, 1, 0, 0],
        [0, 0, 1.5, 2],
        [1, 1, 0, 0],
    ]
    other = run_node("identity", v, steps=[("offset", {"value": one}), ("hardtanh", {})])
    assert other.ravel().tolist() == [-1, 0, 1, 1]


def test_signs_of_zeros_and_nan_are_positive() -> None:
    v = np.float32([-0.0, 0.0, np.nan, -np.nan, -(2.0**-149), -np.inf, np.inf])
    (bits,) = run_outputs("identity", v.reshape(1, 1, 1, -1), outputs=[{"kind": "signs"}])
    assert bits.dtype == np.uint8
    assert bits.ravel().tolist() == [0, 0, 0, 0, 1, 1, 0]
