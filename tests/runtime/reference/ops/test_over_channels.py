"""What is made of all channels of a pixel: mean magnitude, softmax, L2 normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtime.reference.kinds import batches, nchw, nhwc
from tests.runtime.reference.one_node import run_node

from signbit.bitformat.exact import exp, fma

Array = npt.NDArray[Any]

few = settings(derandomize=True, deadline=None, max_examples=60)


@few
@given(x=batches(most_channels=130))
def test_mean_abs(x: Array) -> None:
    expected = np.abs(x.astype(np.float64)).mean(axis=3, keepdims=True)
    np.testing.assert_allclose(run_node("mean_abs", x), expected, rtol=1e-5)


def test_mean_abs_sums_channels_in_order() -> None:
    """1e8 + 3 + 3 + 3 is 1e8 in float32, and 3 + 3 + 3 + 1e8 is not."""
    rows = [[-1e8, 3, -3, 3], [3, -3, 3, -1e8], [-0.0, -1, 0.5, -2], [0, 0, 0, 0]]
    y = run_node("mean_abs", np.float32(rows).reshape(1, 1, 4, 4))
    assert y.shape == (1, 1, 4, 1)
    assert y.ravel().tolist() == [1e8 / 4, np.float32(1e8 + 9) / np.float32(4), 0.875, 0]


@few
@given(x=batches(most_channels=130))
def test_softmax(x: Array) -> None:
    """PyTorch's, but that e^−87 is the smallest power there is."""
    expected = nhwc(F.softmax(nchw(x), dim=1))
    np.testing.assert_allclose(run_node("softmax", x), expected, rtol=2e-5, atol=1e-30)


def test_softmax_sums_channels_in_order() -> None:
    x = np.random.default_rng(1).standard_normal((1, 1, 1, 50)).astype(np.float32) * 3
    (largest,) = x.max(axis=3).ravel()
    powers = exp(x.ravel() - largest)
    total = np.float32(0)
    for power in powers:
        total = np.float32(total + power)
    np.testing.assert_array_equal(run_node("softmax", x).ravel(), powers / total)


def test_softmax_of_large_values_does_not_overflow() -> None:
    x = np.float32([3e38, 3e38, -3e38]).reshape(1, 1, 1, 3)
    y = run_node("softmax", x).ravel()
    np.testing.assert_allclose(y, [0.5, 0.5, 0], atol=1e-30)


@few
@given(x=batches(most_channels=130), epsilon=st.sampled_from((1e-12, 0.5, 100.0)))
def test_l2_normalise(x: Array, epsilon: float) -> None:
    constant = np.float32([epsilon])
    expected = nhwc(F.normalize(nchw(x), dim=1, eps=float(constant[0])))
    actual = run_node("l2_normalise", x, epsilon=constant)
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-12)


def test_l2_normalise_chains_fma_in_order() -> None:
    x = np.random.default_rng(2).standard_normal((1, 1, 1, 50)).astype(np.float32)
    squares = np.float32(0)
    for value in x.ravel():
        squares = fma(value, value, squares)
    actual = run_node("l2_normalise", x, epsilon=np.float32([1e-12]))
    np.testing.assert_array_equal(actual.ravel(), x.ravel() / np.sqrt(squares))


@few
@given(x=batches(most_channels=130), epsilon=st.sampled_from((1e-5, 0.5)))
def test_layer_norm(x: Array, epsilon: float) -> None:
    wide = x.astype(np.float64)
    apart = wide - wide.mean(3, keepdims=True)
    deviation = np.sqrt(apart.var(3, keepdims=True) + epsilon)
    actual = run_node("layer_norm", x, epsilon=np.float32([epsilon]))
    np.testing.assert_allclose(actual, apart / deviation, rtol=1e-3, atol=2e-4)


def test_layer_norm_sums_in_order() -> None:
    x = np.random.default_rng(4).standard_normal((1, 1, 1, 50)).astype(np.float32) * 3
    total = squares = np.float32(0)
    for value in x.ravel():
        total = np.float32(total + value)
    apart = x.ravel() - total / np.float32(50)
    for value in apart:
        squares = fma(value, value, squares)
    deviation = np.sqrt(squares / np.float32(50) + np.float32(1e-5))
    actual = run_node("layer_norm", x, epsilon=np.float32([1e-5]))
    np.testing.assert_array_equal(actual.ravel(), apart / deviation)


@pytest.mark.parametrize("op", ["mean_abs", "softmax", "l2_normalise", "layer_norm"])
def test_nan_stays_in_its_pixel(op: str) -> None:
    x = np.float32([[np.nan, 1, 2], [0, 3, 4]]).reshape(1, 1, 2, 3)
    has_epsilon = op in ("l2_normalise", "layer_norm")
    keys = {"epsilon": np.float32([1e-12])} if has_epsilon else {}
    y = run_node(op, x, **keys)[0, 0]
    assert np.isnan(y[0]).all()
    assert np.isfinite(y[1]).all()
