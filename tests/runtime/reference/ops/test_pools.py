"""Pools and means of the reference against PyTorch, and numbers that show the order of sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.runtime.reference.kinds import around, batches, nchw, nhwc
from tests.runtime.reference.one_node import BITS, run_node

from signbit.errors import ModelFileError

Array = npt.NDArray[Any]

few = settings(derandomize=True, deadline=None, max_examples=80)

PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))


@few
@given(x=batches(), kernel=PAIRS, stride=PAIRS, dilation=PAIRS, ceil=st.booleans(), data=st.data())
def test_max_pool(
    x: Array,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    ceil: bool,
    data: st.DataObject,
) -> None:
    """PyTorch's padding is half a kernel at most, and the same on both sides."""
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    half = data.draw(st.tuples(*[st.integers(0, (k - 1) // 2) for k in kernel]))
    assume(all(x.shape[1 + i] + 2 * half[i] >= reach[i] for i in (0, 1)))
    keys = {"kernel": kernel, "stride": stride, "dilation": dilation, "padding": half * 2}
    keys |= {"ceil": True} if ceil else {}
    expected = F.max_pool2d(nchw(x, torch.float32), kernel, stride, half, dilation, ceil)
    if any(kernel[i] > 1 and dilation[i] > x.shape[1 + i] for i in (0, 1)):
        with pytest.raises(ModelFileError, match="dilation"):
            run_node("max_pool", x, **keys)
        return
    np.testing.assert_array_equal(run_node("max_pool", x, **keys), nhwc(expected))
    signs = np.where(x < 0, -1, 1).astype(BITS)
    of_signs = F.max_pool2d(nchw(signs, torch.float32), kernel, stride, half, dilation, ceil)
    np.testing.assert_array_equal(run_node("max_pool", signs, **keys), nhwc(of_signs))


@few
@given(x=batches(), kernel=PAIRS, stride=PAIRS, data=st.data())
def test_max_pool_with_sides_of_their_own(
    x: Array, kernel: tuple[int, int], stride: tuple[int, int], data: st.DataObject
) -> None:
    padding = data.draw(st.tuples(*[st.integers(0, k - 1) for k in kernel * 2]))
    padded = around(nchw(x, torch.float32), padding, -torch.inf)
    assume(padded.shape[2] >= kernel[0] and padded.shape[3] >= kernel[1])
    actual = run_node("max_pool", x, kernel=kernel, stride=stride, padding=padding)
    np.testing.assert_array_equal(actual, nhwc(F.max_pool2d(padded, kernel, stride)))


@few
@given(
    x=batches(), kernel=PAIRS, stride=PAIRS, ceil=st.booleans(), count=st.booleans(), d=st.data()
)
def test_avg_pool(
    x: Array,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    ceil: bool,
    count: bool,
    d: st.DataObject,
) -> None:
    """Both ways of counting, with windows that reach past the padding and those that do not."""
    half = d.draw(st.tuples(*[st.integers(0, k // 2) for k in kernel]))
    assume(all(x.shape[1 + i] + 2 * half[i] >= kernel[i] for i in (0, 1)))
    keys: dict[str, Any] = {"kernel": kernel, "stride": stride, "padding": half * 2}
    keys |= {"ceil": True} if ceil else {}
    keys |= {"count_padding": True} if count else {}
    expected = nhwc(F.avg_pool2d(nchw(x), kernel, stride, half, ceil, count))
    actual = run_node("avg_pool", x, **keys)
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)


@few
@given(x=batches(), kernel=PAIRS, stride=PAIRS, data=st.data())
def test_avg_pool_with_sides_of_their_own(
    x: Array, kernel: tuple[int, int], stride: tuple[int, int], data: st.DataObject
) -> None:
    """What is inside is averaged by its own number, or by the kernel's area."""
    padding = data.draw(st.tuples(*[st.integers(0, k - 1) for k in kernel * 2]))
    padded = around(nchw(x), padding, 0.0)
    assume(padded.shape[2] >= kernel[0] and padded.shape[3] >= kernel[1])
    keys: dict[str, Any] = {"kernel": kernel, "stride": stride, "padding": padding}
    by_area = nhwc(F.avg_pool2d(padded, kernel, stride))
    inside = nhwc(F.avg_pool2d(around(nchw(np.ones_like(x)), padding, 0.0), kernel, stride))
    actual = run_node("avg_pool", x, **keys, count_padding=True)
    np.testing.assert_allclose(actual, by_area, rtol=1e-5, atol=1e-5)
    actual = run_node("avg_pool", x, **keys)
    np.testing.assert_allclose(actual, by_area / inside, rtol=1e-5, atol=1e-4)


@few
@given(x=batches())
def test_means_and_maxima_of_whole_images(x: Array) -> None:
    mean = nhwc(F.adaptive_avg_pool2d(nchw(x), 1))
    np.testing.assert_allclose(run_node("global_mean", x), mean, rtol=1e-5, atol=1e-5)
    largest = nhwc(F.adaptive_max_pool2d(nchw(x, torch.float32), 1))
    np.testing.assert_array_equal(run_node("global_max", x), largest)
    signs = np.where(x < 0, -1, 1).astype(BITS)
    of_signs = signs.max(axis=(1, 2), keepdims=True)
    np.testing.assert_array_equal(run_node("global_max", signs), of_signs)


def test_max_pool_ignores_taps_outside() -> None:
    x = np.float32([[-5, -4], [-3, -2]]).reshape(1, 2, 2, 1)
    y = run_node("max_pool", x, kernel=(2, 2), padding=(1, 1, 1, 1))
    np.testing.assert_array_equal(y[0, ..., 0], [[-5, -4, -4], [-3, -2, -2], [-3, -2, -2]])


@pytest.mark.parametrize("op", ["max_pool", "global_max"])
def test_of_equal_values_the_first_stays_and_so_does_nan(op: str) -> None:
    rows = np.float32([[0.0, -0.0], [-0.0, 0.0], [np.nan, 1], [1, np.nan], [-1, np.nan]])
    x = rows.reshape(5, 1, 2, 1)
    keys = {"kernel": (1, 2)} if op == "max_pool" else {}
    y = run_node(op, x, **keys).ravel()
    np.testing.assert_array_equal(y, np.float32([0, 0, np.nan, 1, -1]))
    assert np.signbit(y[:2]).tolist() == [False, True]


def test_a_nan_in_a_corner_stays_though_taps_outside_come_first() -> None:
    x = np.float32([[np.nan, 2], [3, 4]]).reshape(1, 2, 2, 1)
    y = run_node("max_pool", x, kernel=(2, 2), padding=(1, 1, 0, 0))[0, ..., 0]
    np.testing.assert_array_equal(y, np.float32([[np.nan, np.nan], [np.nan, np.nan]]))
    y = run_node("max_pool", -x[:, ::-1, ::-1], kernel=(2, 2), padding=(1, 1, 0, 0))[0, ..., 0]
    np.testing.assert_array_equal(y, np.float32([[-4, -3], [-2, -2]]))


@pytest.mark.parametrize(
    ("op", "keys"),
    [
        ("max_pool", {"kernel": (1, 2), "dilation": (1, 5), "padding": (0, 1, 0, 1)}),
        ("max_pool", {"kernel": (1, 2), "padding": (0, 0, 0, 2)}),
        ("max_pool", {"kernel": (2, 1), "padding": (2, 0, 0, 0)}),
        ("avg_pool", {"kernel": (1, 2), "padding": (0, 2, 0, 0)}),
        ("avg_pool", {"kernel": (1, 2), "padding": (0, 2, 0, 0), "count_padding": True}),
    ],
)
def test_a_window_without_a_tap_inside_is_refused(op: str, keys: dict[str, Any]) -> None:
    x = np.ones((1, 1, 4, 1), np.float32)
    with pytest.raises(ModelFileError, match=r"padding: must be less|dilation: must be no more"):
        run_node(op, x, **keys)


def test_avg_pool_sums_in_tap_order() -> None:
    """1e8 − 1e8 + 1 differs from 1 + 1e8 − 1e8 in float32: order shows."""
    x = np.float32([[1e8, -1e8, 1], [1, 1e8, -1e8]]).reshape(1, 2, 3, 1)
    y = run_node("avg_pool", x, kernel=(1, 3))
    np.testing.assert_array_equal(y.ravel(), np.float32([1, 0]) / np.float32(3))


def test_global_mean_sums_rows_first() -> None:
    x = np.float32([[1e8, 1], [-1e8, 1]]).reshape(1, 2, 2, 1)
    # Rows: 1e8 + 1 = 1e8, −1e8 + 1 = −1e8; their sum is 0. Column first would give 2.
    assert run_node("global_mean", x).ravel().tolist() == [0.0]
