"""The one rule by which add, subtract and multiply address a second tensor."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtime.reference.one_node import run_node

from signbit.bitformat.exact import fma

Array = npt.NDArray[Any]

STEPS = ("add", "subtract", "multiply")


def combined(op: str, v: Array, s: Array, **keys: Any) -> Array:
    return run_node("identity", v, s, steps=[(op, {"input": 1, **keys})])


def of(op: str, v: Array, s: Array) -> Array:
    result: Array = {"add": v + s, "subtract": v - s, "multiply": v * s}[op]
    return result


@st.composite
def addresses(draw: st.DrawFn) -> tuple[Array, Array, dict[str, Any]]:
    """Values, an operand, and keys by which they may meet."""
    size = st.integers(1, 4)
    batch, height, width, channels = draw(
        st.tuples(st.integers(0, 2), size, size, st.integers(1, 6))
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    keys: dict[str, Any] = {}
    every = draw(st.sampled_from(("once", "same", "strided")))
    operand = (height, width)
    if every == "once":
        keys["every"], operand = (0, 0), (1, 1)
    elif every == "strided":
        keys["every"] = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
        # Only as much as is read, or a little more.
        more = draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
        operand = (
            (height - 1) * keys["every"][0] + 1 + more[0],
            (width - 1) * keys["every"][1] + 1 + more[1],
        )
    repeat = draw(st.sampled_from(("none", "tile", "each")))
    count = draw(st.integers(1, 8))
    if repeat == "each":
        count = draw(st.sampled_from([n for n in range(1, channels + 1) if channels % n == 0]))
    if repeat != "none":
        keys["repeat"] = repeat
    elif draw(st.booleans()):
        keys["offset"] = draw(st.integers(0, channels + 1))
    v = rng.standard_normal((batch, height, width, channels)).astype(np.float32)
    s = rng.standard_normal((batch, *operand, count)).astype(np.float32)
    return v, s, keys


@pytest.mark.parametrize("op", STEPS)
@settings(derandomize=True, deadline=None, max_examples=80)
@given(address=addresses())
def test_every_address(op: str, address: tuple[Array, Array, dict[str, Any]]) -> None:
    """Value by value, as docs/format.md says it."""
    v, s, keys = address
    read = np.zeros_like(v)
    every, repeat = keys.get("every", (1, 1)), keys.get("repeat", "none")
    for y, x, c in np.ndindex(v.shape[1:]):
        channel = {
            "none": c - keys.get("offset", 0),
            "tile": c % s.shape[3],
            "each": c // max(1, v.shape[3] // s.shape[3]),
        }[repeat]
        if 0 <= channel < s.shape[3]:
            read[:, y, x, c] = s[:, y * every[0], x * every[1], channel]
    np.testing.assert_array_equal(combined(op, v, s, **keys), of(op, v, read))


@pytest.mark.parametrize("op", STEPS)
def test_by_broadcasting(op: str) -> None:
    """The usual meanings: a gate, a map, a tensor of the same shape, every other pixel."""
    rng = np.random.default_rng(1)
    v = rng.standard_normal((2, 3, 4, 6)).astype(np.float32)
    gate = rng.standard_normal((2, 1, 1, 6)).astype(np.float32)
    np.testing.assert_array_equal(combined(op, v, gate, every=(0, 0)), of(op, v, gate))
    one = rng.standard_normal((2, 3, 4, 1)).astype(np.float32)
    np.testing.assert_array_equal(combined(op, v, one, repeat="tile"), of(op, v, one))
    same = rng.standard_normal(v.shape).astype(np.float32)
    np.testing.assert_array_equal(combined(op, v, same), of(op, v, same))
    large = rng.standard_normal((2, 6, 7, 6)).astype(np.float32)
    np.testing.assert_array_equal(
        combined(op, v, large, every=(2, 2)), of(op, v, large[:, ::2, ::2])
    )
    groups = rng.standard_normal((2, 3, 4, 3)).astype(np.float32)
    np.testing.assert_array_equal(
        combined(op, v, groups, repeat="each"), of(op, v, groups.repeat(2, axis=3))
    )
    np.testing.assert_array_equal(
        combined(op, v, groups, repeat="tile"), of(op, v, np.tile(groups, 2))
    )


@pytest.mark.parametrize(
    ("every", "offset", "expected"),
    [
        ((1, 1), 0, [[[0, 1], [2, 3]], [[6, 7], [8, 9]]]),
        ((1, 2), 0, [[[0, 1], [4, 5]], [[6, 7], [10, 11]]]),
        ((1, 2), 1, [[[0, 0], [0, 4]], [[0, 6], [0, 10]]]),
        ((1, 1), 2, [[[0, 0], [0, 0]], [[0, 0], [0, 0]]]),
    ],
)
def test_offsets_by_hand(every: tuple[int, int], offset: int, expected: list[Any]) -> None:
    """The operand is [y·every, x·every, c − offset], zero for channels it lacks."""
    wide = np.arange(12, dtype=np.float32).reshape(1, 2, 3, 2)
    v = np.zeros((1, 2, 2, 2), np.float32)
    np.testing.assert_array_equal(combined("add", v, wide, every=every, offset=offset), [expected])


def test_a_tensor_that_repeats() -> None:
    """Seven channels read those of three: 0 1 2 0 1 2 0, at every other pixel."""
    x = np.float32([5, 6, 7, 0, 0, 0, 1, 2, 3]).reshape(1, 1, 3, 3)
    v = np.zeros((1, 1, 2, 7), np.float32)
    y = combined("add", v, x, every=(1, 2), repeat="tile")
    assert y.tolist() == [[[[5, 6, 7, 5, 6, 7, 5], [1, 2, 3, 1, 2, 3, 1]]]]


def test_a_weighted_operand_is_rounded_once() -> None:
    rng = np.random.default_rng(3)
    v = rng.standard_normal((2, 3, 4, 6)).astype(np.float32)
    s = rng.standard_normal((2, 3, 4, 2)).astype(np.float32)
    weighted = rng.standard_normal(6).astype(np.float32)
    y = combined("add", v, s, repeat="each", weighted=weighted)
    assert (y != v + s.repeat(3, axis=3) * weighted).any()
    for n, row, column, c in np.ndindex(v.shape):
        expected = fma(s[n, row, column, c // 3], weighted[c], v[n, row, column, c])
        assert y[n, row, column, c] == expected


@pytest.mark.parametrize("op", STEPS)
def test_a_node_may_read_its_own_input_again(op: str) -> None:
    x = np.random.default_rng(4).standard_normal((2, 2, 3, 4)).astype(np.float32)
    y = run_node("identity", x, steps=[("hardtanh", {}), (op, {"input": 0})])
    np.testing.assert_array_equal(y, of(op, x.clip(-1, 1), x))
    mean = run_node("global_mean", x)
    pooled = run_node("global_mean", x, steps=[(op, {"input": 0})])
    np.testing.assert_array_equal(pooled, of(op, mean, x[:, :1, :1]))
