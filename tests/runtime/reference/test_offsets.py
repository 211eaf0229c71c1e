"""Binary values that are not symmetric about zero: maps, sums and shifts by border."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtime import oracle
from tests.runtime.reference.kinds import Conv, convs
from tests.runtime.reference.one_node import BITS, run_node

from signbit.bitformat import pack_bits
from signbit.bitformat.exact import fma
from signbit.bitformat.taps import AxisTaps, axis_taps

Array = npt.NDArray[Any]

few = settings(derandomize=True, deadline=None, max_examples=40)


def signs_of(rng: np.random.Generator, *shape: int) -> Array:
    return np.where(rng.random(shape) < 0.4, -1, 1).astype(BITS)


def packed(signs: Array) -> Array:
    return pack_bits(signs.reshape(len(signs), -1) < 0)


def tap_sets(conv: Conv) -> tuple[AxisTaps, AxisTaps]:
    """Those of the rows, and of the columns."""
    top, left, bottom, right = conv.padding
    rows, columns = (
        axis_taps(
            conv.size[axis], conv.kernel[axis], conv.stride[axis], *sides, conv.dilation[axis]
        )
        for axis, sides in enumerate(((top, bottom), (left, right)))
    )
    return rows, columns


@few
@given(conv=convs())
def test_values_that_are_not_symmetric(conv: Conv) -> None:
    """Inputs s + δ and weights α·sw + β by sums and a shift by border, against convolving them."""
    rng = np.random.default_rng(conv.seed)
    signs, weight_signs = signs_of(rng, *conv.shape), signs_of(rng, *conv.weight_shape)
    out = len(weight_signs)
    alpha, beta = rng.standard_normal((2, out))
    delta = 0.3
    weights = alpha[:, None, None, None] * weight_signs + beta[:, None, None, None]
    # δ·(α·W + β·N): what the offset adds over the taps inside, by tap sets.
    rows, columns = tap_sets(conv)
    shift = np.zeros((len(rows.sets), len(columns.sets), out))
    for i, j in np.ndindex(*shift.shape[:2]):
        (top, bottom), (left, right) = rows.sets[i], columns.sets[j]
        shift[i, j] = delta * weights[:, top:bottom, left:right].sum(axis=(1, 2, 3))
    sums = run_node("sign_sum", signs, **conv.windows)
    affine = {
        "scale": alpha.astype(np.float32),
        "shift": shift.astype(np.float32),
        "row_taps": rows.sets,
        "column_taps": columns.sets,
    }
    add = {"input": 1, "repeat": "each", "weighted": beta.astype(np.float32)}
    steps = [("affine", affine), ("add", add)]
    actual = run_node(
        "binary_conv", signs, sums, steps=steps, weight=packed(weight_signs), **conv.windows
    )
    expected = oracle.real_conv(signs + delta, weights, *conv.loops)
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-3)


@few
@given(conv=convs(), seed=st.integers(0, 2**32))
def test_tap_sets_may_come_in_any_order_and_others_beside_them(conv: Conv, seed: int) -> None:
    """The same shifts, though the constant has them elsewhere."""
    rng = np.random.default_rng(seed)
    signs, weight = signs_of(rng, *conv.shape), packed(signs_of(rng, *conv.weight_shape))
    out = len(weight)
    scale = rng.standard_normal(out).astype(np.float32)
    rows, columns = tap_sets(conv)

    def run(row_taps: list[tuple[int, int]], column_taps: list[tuple[int, int]]) -> Array:
        """The shift of every pair of sets is a number of its own, whatever its place."""
        shift = [[[*r, *c] @ np.array([1, 10, 100, 1000]) for c in column_taps] for r in row_taps]
        shifts = np.repeat(np.float32(shift)[..., None], out, axis=2)
        keys = {"row_taps": tuple(row_taps), "column_taps": tuple(column_taps)}
        steps = [("affine", {"scale": scale, "shift": shifts, **keys})]
        return run_node("binary_conv", signs, steps=steps, weight=weight, **conv.windows)

    def mixed(sets: tuple[tuple[int, int], ...], kernel: int) -> list[tuple[int, int]]:
        every = [(0, 0)] + [(i, j) for i in range(kernel) for j in range(i + 1, kernel + 1)]
        order = rng.permutation(len(every))
        return [every[i] for i in order if every[i] in sets or rng.random() < 0.5]

    expected = run(list(rows.sets), list(columns.sets))
    actual = run(mixed(rows.sets, conv.kernel[0]), mixed(columns.sets, conv.kernel[1]))
    np.testing.assert_array_equal(actual, expected)


@few
@given(conv=convs())
def test_rounding_of_map_scale_and_sums(conv: Conv) -> None:
    """One rounding for the map, one for scale and shift, one for the sums, in this order."""
    rng = np.random.default_rng(conv.seed)
    signs, weight_signs = signs_of(rng, *conv.shape), signs_of(rng, *conv.weight_shape)
    out = len(weight_signs)
    dots = oracle.binary_conv(signs, weight_signs, *conv.loops).astype(np.float32)
    size = dots.shape[:3]
    k = rng.standard_normal((*size, 1)).astype(np.float32)
    s = rng.standard_normal((*size, conv.groups)).astype(np.float32)
    scale, shift, weighted = rng.standard_normal((3, out)).astype(np.float32)
    steps = [
        ("multiply", {"input": 1, "repeat": "tile"}),
        ("affine", {"scale": scale, "shift": shift}),
        ("add", {"input": 2, "repeat": "each", "weighted": weighted}),
    ]
    actual = run_node(
        "binary_conv", signs, k, s, steps=steps, weight=packed(weight_signs), **conv.windows
    )
    expected = fma(dots * k, scale, shift)
    expected = fma(s.repeat(out // conv.groups, axis=3), weighted, expected)
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("op", ["identity", "mean_abs"])
def test_a_map_is_multiplied_and_rounded_before_scale_and_shift(op: str) -> None:
    rng = np.random.default_rng(5)
    x = rng.standard_normal((2, 5, 6, 12)).astype(np.float32)
    k = rng.standard_normal((2, 5, 6, 1)).astype(np.float32)
    v = run_node(op, x)
    scale, shift = rng.standard_normal((2, v.shape[3])).astype(np.float32)
    steps = [
        ("multiply", {"input": 1, "repeat": "tile"}),
        ("affine", {"scale": scale, "shift": shift}),
    ]
    actual = run_node(op, x, k, steps=steps)
    np.testing.assert_array_equal(actual, fma(v * k, scale, shift))
