from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compiler.graphs import Builder, answers, compare_with_zero, ops

from signbit.compiler.ir import IMAGE, Step
from signbit.compiler.passes import remove_dead
from signbit.compiler.passes.move.move_max_pool import move_max_pool
from signbit.compiler.passes.signs.thresholds import (
    integer_comparison,
    real_comparison,
    thresholds,
    two_value_comparison,
)

LOWEST = np.finfo(np.float32).min

finite = st.floats(width=32, min_value=-(2.0**100), max_value=2.0**100)


def _step(op: str = "affine", **values: list[float]) -> Step:
    return Step(op, {name: np.array(value, np.float32) for name, value in values.items()})


def _is_negative(u: float, scale: float, shift: float) -> bool:
    """Of u·scale + shift, in exact arithmetic, rounded to float32."""
    exact = Fraction(u) * Fraction(scale) + Fraction(shift)
    return exact < -Fraction(1, 2**150)


@settings(deadline=None)
@given(
    scale=st.one_of(finite, st.sampled_from([0.0, 0.5, -0.5, 3.0])),
    shift=st.one_of(finite, st.integers(-20, 20).map(float)),
    taps=st.integers(1, 40),
)
def test_integers_against_exact_arithmetic(scale: float, shift: float, taps: int) -> None:
    step = _step(scale=[scale], shift=[shift])
    comparison = integer_comparison([step], taps, 1)
    assert comparison is not None
    threshold, flip = comparison
    assert (threshold.dtype, flip.dtype) == (np.int32, np.uint8)
    dots = np.arange(-taps, taps + 1)
    bits = (dots < threshold[0]) ^ flip[0].astype(bool)
    assert bits.tolist() == [_is_negative(int(dot), scale, shift) for dot in dots]


@settings(deadline=None)
@given(scale=finite, shift=finite, others=st.lists(finite, max_size=5))
def test_reals_against_exact_arithmetic(scale: float, shift: float, others: list[float]) -> None:
    threshold, flip = real_comparison([_step(scale=[scale], shift=[shift])], 1)
    assert np.isfinite(threshold).all()
    at = threshold[0]
    with np.errstate(over="ignore"):
        around = [np.nextafter(at, np.float32(-np.inf)), at, np.nextafter(at, np.float32(np.inf))]
    for value in [*around, *np.array(others, np.float32), np.float32(0)]:
        if np.isfinite(value):
            bit = bool(value < at) ^ bool(flip[0])
            assert bit == _is_negative(float(value), scale, shift), (value, at)


def test_no_step_compares_with_zero() -> None:
    threshold, flip = real_comparison([], 3)
    assert threshold.tolist() == [0, 0, 0]
    assert flip.tolist() == [0, 0, 0]


def test_a_scale_of_zero_never_or_always_compares() -> None:
    step = _step(scale=[0, 0], shift=[-1, 1])
    threshold, flip = real_comparison([step], 2)
    assert threshold.tolist() == [LOWEST, LOWEST]
    assert flip.tolist() == [1, 0]
    comparison = integer_comparison([step], 9, 2)
    assert comparison is not None
    assert comparison[0].tolist() == [-9, -9]
    assert comparison[1].tolist() == [1, 0]


def test_two_values_are_compared_by_both_their_signs() -> None:
    """Steps need not be monotone: −1 and +1 are all that there is."""
    steps = [
        _step(scale=[1, -1, 0.5, -0.5, 0.5, 0], shift=[0, 0, 1, -1, 0.25, -0.0]),
        _step("sigmoid"),
        _step(scale=[1] * 6, shift=[-0.5] * 6),
    ]
    threshold, flip = two_value_comparison(steps, 6)
    signs = [[bool(x < t) ^ bool(f) for x in (-1, 1)] for t, f in zip(threshold, flip, strict=True)]
    never, always = [False, False], [True, True]
    assert signs == [[True, False], [False, True], never, always, [True, False], never]


def test_a_negative_slope_flips() -> None:
    # −2·D + 5 < 0 where D > 2.5
    comparison = integer_comparison([_step(scale=[-2], shift=[5])], 9, 1)
    assert comparison is not None
    assert (comparison[0][0], comparison[1][0]) == (3, 1)
    threshold, flip = real_comparison([_step(scale=[-2], shift=[5])], 1)
    assert (threshold[0], flip[0]) == (np.nextafter(np.float32(2.5), np.float32(3)), 1)


def test_a_sign_that_changes_twice_has_no_integer_comparison() -> None:
    # |D| − 3: negative between −3 and 3
    steps = [_step("prelu", slope=[-1]), _step(scale=[1], shift=[-3])]
    assert integer_comparison(steps, 9, 1) is None
    # ... but with few taps it changes at most once, and never with none outside.
    assert integer_comparison(steps, 2, 1) is not None


MAXOUTS = [(0.25, 1.5), (0.0, 0.5), (0.5, 0.0), (-0.5, -2.0), (-1.0, 0.0)]


@pytest.mark.slow
@pytest.mark.parametrize(("below", "above"), MAXOUTS)
@settings(deadline=None)
@given(shift=st.integers(-9, 9), values=st.lists(finite, max_size=5))
def test_signs_of_maxout(below: float, above: float, shift: int, values: list[float]) -> None:
    """2·x, then one factor for each side, then a shift: small numbers, so nothing is rounded."""
    steps = [
        _step(scale=[2], shift=[0]),
        _step("maxout", slope=[below], positive_slope=[above]),
        _step(scale=[1], shift=[shift / 2]),
    ]

    def expected(x: float) -> bool:
        return 2 * x * (below if x < 0 else above) + shift / 2 < 0

    threshold, flip = real_comparison(steps, 1)
    for value in [*np.float32(values), *np.arange(-40, 40, dtype=np.float32) / 4]:
        assert bool(value < threshold[0]) ^ bool(flip[0]) == expected(float(value)), value
    comparison = integer_comparison(steps, 15, 1)
    assert comparison is not None
    for dot in range(-15, 16):
        assert (dot < comparison[0][0]) ^ bool(comparison[1][0]) == expected(dot)


def test_a_maxout_whose_factors_differ_in_sign_is_a_valley() -> None:
    # −D/2 below 0, D above, minus 3: negative between −6 and 3
    valley = _step("maxout", slope=[-0.5], positive_slope=[1])
    steps = [valley, _step(scale=[1], shift=[-3])]
    assert integer_comparison(steps, 9, 1) is None
    comparison = integer_comparison(steps, 5, 1)
    assert comparison is not None
    assert (comparison[0][0], comparison[1][0]) == (3, 0)


def test_an_overflow_that_meets_a_factor_of_zero_hides_no_change() -> None:
    # Behind 4·u either end is infinite, and 0 times that is NaN; −1 is negative everywhere.
    zero = _step(scale=[0], shift=[-1])
    threshold, flip = real_comparison([_step(scale=[4], shift=[0]), zero], 1)
    for value in np.float32([-1e30, -1, 0, 1, 1e30]):
        assert bool(value < threshold[0]) ^ bool(flip[0]), value


@pytest.mark.parametrize("activation", ["relu", "hardtanh", "sigmoid"])
def test_signs_of_non_linearities_over_the_integers(activation: str) -> None:
    steps = [
        _step(scale=[0.5, -0.25], shift=[0.3, 0.1]),
        _step(activation),
        _step(scale=[3, -2], shift=[-0.8, 0.7]),
    ]
    comparison = integer_comparison(steps, 12, 2)
    assert comparison is not None
    for channel in (0, 1):
        for dot in range(-12, 13):
            value = dot * (0.5, -0.25)[channel] + (0.3, 0.1)[channel]
            if activation == "sigmoid":
                value = 1 / (1 + np.exp(-value))
            else:
                value = np.clip(value, *((0, np.inf) if activation == "relu" else (-1, 1)))
            expected = value * (3, -2)[channel] + (-0.8, 0.7)[channel] < 0
            bit = (dot < comparison[0][channel]) ^ bool(comparison[1][channel])
            assert bit == expected, (dot, channel)


def _binary_pair(*steps: str, pool: bool = False, seed: int = 0) -> Builder:
    """Two binary convolutions with the steps between, their reals read by nobody else."""
    build = Builder(seed=seed)
    value = build.conv(build.sign(build.stem()), 40)
    if pool:
        value = build.max_pool(value)
    for step in steps:
        if step == "affine":
            value = build.affine(value)
        else:
            value = build.activation(value, step, 0.1 if step == "prelu" else None)
    build.finish(build.conv(build.sign(value), 6))
    return build


CHAINS = [
    (),
    ("affine",),
    ("affine", "hardtanh"),
    ("affine", "affine", "prelu"),
    ("relu", "affine"),
    ("sigmoid", "affine"),
]


@pytest.mark.parametrize("steps", CHAINS)
@pytest.mark.parametrize("pool", [False, True])
def test_integers_end_to_end_with_the_same_bits(steps: tuple[str, ...], pool: bool) -> None:
    graph = _binary_pair(*steps, pool=pool).graph
    before = answers(graph)
    move_max_pool(graph)
    thresholds(graph)
    remove_dead(graph)
    signs = [node for node in graph if node.op == "sign"]
    assert signs[-1]["threshold"].dtype == np.int32
    first = graph[signs[-1].input]
    assert first.op == "binary_conv"
    assert first.keys.get("pool_kernel") == ((2, 2) if pool else None)
    np.testing.assert_array_equal(answers(graph), before)


def test_reals_behind_a_shortcut_with_the_same_bits() -> None:
    build = Builder()
    stem = build.stem(8)
    total = build.plus(build.affine(build.conv(build.sign(stem), 8)), stem)
    chain = build.activation(build.affine(total), "hardtanh")
    graph = build.finish(build.conv(build.sign(chain), 6))
    before = answers(graph)
    thresholds(graph)
    remove_dead(graph)
    last = [node for node in graph if node.op == "sign"][-1]
    assert last.input == total
    assert last["threshold"].dtype == np.float32
    np.testing.assert_array_equal(answers(graph), before)


def test_does_not_fold_what_somebody_else_reads() -> None:
    build = Builder()
    stem = build.stem(8)
    normalised = build.affine(build.conv(build.sign(stem), 8))
    graph = build.finish(build.plus(build.conv(build.sign(normalised), 8), normalised))
    before = answers(graph)
    thresholds(graph)
    remove_dead(graph)
    last = [node for node in graph if node.op == "sign"][-1]
    assert last.input == normalised
    assert not last["threshold"].any()
    np.testing.assert_array_equal(answers(graph), before)


def test_does_not_fold_a_sign_that_changes_twice() -> None:
    build = Builder()
    conv = build.conv(build.sign(build.stem()), 8)
    folded = build.activation(conv, "prelu", -1.0)
    shifted = build.scaled(folded, 1, -3)
    graph = build.finish(build.conv(build.sign(shifted), 6))
    before = answers(graph)
    thresholds(graph)
    remove_dead(graph)
    last = [node for node in graph if node.op == "sign"][-1]
    # The affine is monotone and goes into the comparison; the prelu stays.
    assert last.input == folded
    np.testing.assert_array_equal(answers(graph), before)


@pytest.mark.parametrize("positive", [-0.5, 2.0])
def test_a_maxout_between_two_layers_keeps_the_bits(positive: float) -> None:
    """With factors of one sign it goes into the comparison, else its reals stay."""
    build = Builder()
    conv = build.conv(build.sign(build.stem()), 40)
    slopes = {"slope": np.full(40, -0.25), "positive_slope": np.full(40, positive)}
    active = build.step("maxout", build.affine(conv), **slopes)
    # Far enough below 0 that a valley is crossed on both sides.
    moved = build.scaled(active, 1, -1)
    graph = build.finish(build.conv(build.sign(moved), 6))
    before = answers(graph)
    thresholds(graph)
    remove_dead(graph)
    last = [node for node in graph if node.op == "sign"][-1]
    assert last.input == (conv if positive < 0 else active)
    np.testing.assert_array_equal(answers(graph), before)


@pytest.mark.parametrize("part", ["sums", "map", "shift"])
def test_reals_decide_where_the_dots_are_not_the_value(part: str) -> None:
    build = Builder()
    stem = build.stem(4)
    conv = build.conv_with(part, build.sign(stem), 8)
    graph = build.finish(build.conv(build.sign(build.affine(conv)), 6))
    before = answers(graph)
    thresholds(graph)
    remove_dead(graph)
    last = [node for node in graph if node.op == "sign"][-1]
    assert last.input == conv
    assert last["threshold"].dtype == np.float32
    np.testing.assert_array_equal(answers(graph), before)


def test_two_signs_of_one_value() -> None:
    build = Builder()
    conv = build.conv(build.sign(build.stem()), 8)
    middle = build.affine(conv)
    left = build.conv(build.sign(middle), 4)
    right = build.conv(build.sign(build.affine(middle)), 4)
    graph = build.finish(build.plus(left, right))
    before = answers(graph)
    thresholds(graph)
    remove_dead(graph)
    assert "identity" in ops(graph)
    assert middle not in graph
    np.testing.assert_array_equal(answers(graph), before)


def test_signs_of_pixels() -> None:
    build = Builder()
    normalised = build.scaled(IMAGE, 0.02, -2.5)
    graph = build.finish(build.conv(build.sign(normalised), 6))
    compare_with_zero(graph)
    before = answers(graph)
    thresholds(graph)
    remove_dead(graph)
    sign = next(node for node in graph if node.op == "sign")
    assert sign.input == IMAGE
    np.testing.assert_array_equal(answers(graph), before)
