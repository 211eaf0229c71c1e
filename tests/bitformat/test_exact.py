"""The fused multiply-add is that of the C library, bit for bit; the rest follows docs/format.md."""

from __future__ import annotations

import ctypes
import ctypes.util
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from signbit.bitformat.exact import exp, fma, gelu, sigmoid, silu, tanh

Float32 = npt.NDArray[np.float32]
Fmaf = Callable[[float, float, float], float]


@pytest.fixture(scope="module")
def fmaf() -> Fmaf:
    path = ctypes.util.find_library("m")
    if path is None:
        pytest.skip("no C mathematics library (libm) to compare with")
    function: Any = ctypes.CDLL(path).fmaf
    function.argtypes = [ctypes.c_float] * 3
    function.restype = ctypes.c_float
    return function  # type: ignore[no-any-return]


def assert_same_bits(actual: Float32, expected: Float32) -> None:
    """Equal bit for bit; any NaN equals any other."""
    both_nan = np.isnan(actual) & np.isnan(expected)
    differ = (actual.view(np.int32) != expected.view(np.int32)) & ~both_nan
    assert not differ.any(), f"{differ.sum()} differ, first at {np.argmax(differ)}"


def check(fmaf: Fmaf, a: Float32, b: Float32, c: Float32) -> None:
    expected = np.fromiter(
        map(fmaf, a.tolist(), b.tolist(), c.tolist()), dtype=np.float32, count=len(a)
    )
    assert_same_bits(fma(a, b, c), expected)


def test_fma_of_any_bit_patterns(fmaf: Fmaf) -> None:
    rng = np.random.default_rng(1)
    a, b, c = rng.integers(0, 2**32, (3, 1_000_000), dtype=np.uint32).view(np.float32)
    check(fmaf, a, b, c)


def test_fma_of_like_magnitudes(fmaf: Fmaf) -> None:
    rng = np.random.default_rng(2)
    a, b, c = rng.standard_normal((3, 1_000_000)).astype(np.float32)
    check(fmaf, a, b, c)
    check(fmaf, a, b, -(a * b))  # cancels to the product's rounding error


def test_fma_beside_halfway_products(fmaf: Fmaf) -> None:
    """The product is halfway between two float32; an addend far below decides."""
    rng = np.random.default_rng(3)
    n = 300_000
    a = (rng.integers(2**11, 2**12, n) | 1).astype(np.float32)
    b = (rng.integers(2**12, 2**13, n) | 1).astype(np.float32)  # a·b is odd, of 24 or 25 bits
    exponents = rng.integers(-149, -30, n)
    c = np.ldexp(rng.choice([-1.0, 1.0], n), exponents).astype(np.float32)
    check(fmaf, a, b, c)
    # The same in the subnormal range: the last place is 2^-149 whatever the magnitude.
    low = np.ldexp(a, rng.integers(-90, -60, n)).astype(np.float32)
    check(fmaf, low, b * np.float32(2.0**-80), np.zeros(n, np.float32))
    check(fmaf, low, b * np.float32(2.0**-80), c * np.float32(2.0**-100))


def test_fma_beside_halfway_sums(fmaf: Fmaf) -> None:
    """The product is half an ulp of the addend, less or more by one part in 2^46."""
    rng = np.random.default_rng(4)
    n = 300_000
    c = rng.standard_normal(n).astype(np.float32)
    ulp = np.spacing(np.abs(c))
    tiny = np.float32(2.0**-23)
    sign = rng.choice(np.float32([-1, 1]), n)
    for first, second in ((1 + tiny, 1 - tiny), (1 + tiny, 1), (1 - tiny / 2, 1), (1, 1)):
        check(fmaf, np.full(n, first, np.float32), sign * ulp / 2 * np.float32(second), c)


def test_fma_of_special_values(fmaf: Fmaf) -> None:
    values = np.float32(
        [
            0.0,
            -0.0,
            1,
            -1,
            np.inf,
            -np.inf,
            np.nan,
            2.0**-149,
            -(2.0**-149),
            3.4028235e38,
            2.0**-126,
        ]
    )
    a, b, c = (grid.ravel() for grid in np.meshgrid(values, values, values))
    check(fmaf, a, b, c)


def test_fma_agrees_with_fractions() -> None:
    """A second oracle, without any library: rounding an exact fraction by hand."""
    rng = np.random.default_rng(5)
    a, b = rng.standard_normal((2, 300)).astype(np.float32)
    c = (rng.standard_normal(300) * 2.0 ** rng.integers(-30, 30, 300)).astype(np.float32)
    got = fma(a, b, c)
    for x, y, z, result in zip(a.tolist(), b.tolist(), c.tolist(), got, strict=True):
        exact = Fraction(x) * Fraction(y) + Fraction(z)
        below, above = np.nextafter(result, np.float32([-np.inf, np.inf]))
        error = abs(Fraction(float(result)) - exact)
        assert error <= abs(Fraction(float(below)) - exact)
        assert error <= abs(Fraction(float(above)) - exact)


def test_fma_broadcasts_scalars() -> None:
    assert_same_bits(fma(np.float32([1, 2]), 3, np.float32(0.5)), np.float32([3.5, 6.5]))
    assert fma(2, 3, 4).shape == ()


def chain(fmaf: Fmaf, x: np.float32, *coefficients: str) -> np.float32:
    """Horner's rule by the C library's fused multiply-add."""
    p = float.fromhex(coefficients[0])
    for coefficient in coefficients[1:]:
        p = fmaf(p, float(x), float.fromhex(coefficient))
    return np.float32(p)


def step(fmaf: Fmaf, a: np.float32, b: str, c: np.float32 | str) -> np.float32:
    addend = float.fromhex(c) if isinstance(c, str) else float(c)
    return np.float32(fmaf(float(a), float.fromhex(b), addend))


def scalar_exp(fmaf: Fmaf, x: np.float32) -> np.float32:
    """The recipes of docs/format.md, one number at a time."""
    x = np.float32(-87) if x < -87 else np.float32(88) if x > 88 else x
    n = step(fmaf, x, "0x1.715476p+0", "0x1.8p+23") - np.float32(12582912)
    r = step(fmaf, n, "-0x1.62e400p-1", x)
    r = step(fmaf, n, "-0x1.7f7d1cp-20", r)
    coefficients = ("0x1.6850e4p-10", "0x1.123bccp-7", "0x1.555b98p-5", "0x1.55548ep-3")
    p = chain(fmaf, r, *coefficients, "0x1.fffff8p-2", "0x1p0", "0x1p0")
    return np.float32(np.ldexp(p, int(n)))


def scalar_tanh(fmaf: Fmaf, v: np.float32) -> np.float32:
    a = np.abs(v)
    z = a * a
    coefficients = ("-0x1.75e1d4p-8", "0x1.52269cp-6", "-0x1.b83c5ap-5", "0x1.110726p-3")
    p = chain(fmaf, z, *coefficients, "-0x1.555532p-2") * z
    small = np.float32(fmaf(float(p), float(a), float(a)))
    large = np.float32(1) - np.float32(2) / (scalar_exp(fmaf, a + a) + np.float32(1))
    t = small if a < np.float32(0.625) else large
    return -t if v < 0 else t


def scalar_gelu(fmaf: Fmaf, v: np.float32) -> np.float32:
    a = np.abs(v) * np.float32(float.fromhex("0x1.6a09e6p-1"))
    t = np.float32(1) / step(fmaf, a, "0x1.4f740ap-2", "0x1p0")
    coefficients = ("0x1.0fb844p+0", "-0x1.7401c6p+0", "0x1.6be1c6p+0", "-0x1.23531cp-2")
    p = chain(fmaf, t, *coefficients, "0x1.04f20cp-2")
    erf = np.float32(1) - (p * t) * scalar_exp(fmaf, -(a * a))
    return np.float32(0.5) * v * (np.float32(1) - erf if v < 0 else np.float32(1) + erf)


def test_the_recipes_are_followed(fmaf: Fmaf) -> None:
    rng = np.random.default_rng(6)
    edges = [0.0, -0.0, 87, -87, 88, -88, 0.625, -0.625, 0.62499994, 43.5, 44, -1e-30, 1e19]
    x = np.concatenate([rng.uniform(-95, 95, 4_000), rng.standard_normal(4_000), edges]).astype(
        np.float32
    )
    by_hand = np.array([scalar_exp(fmaf, value) for value in x])
    assert_same_bits(exp(x), by_hand)
    inverse = np.array([scalar_exp(fmaf, -value) for value in x])
    assert_same_bits(sigmoid(x), np.float32(1) / (np.float32(1) + inverse))
    assert_same_bits(silu(x), x / (np.float32(1) + inverse))
    assert_same_bits(tanh(x), np.array([scalar_tanh(fmaf, value) for value in x]))
    with np.errstate(over="ignore"):
        assert_same_bits(gelu(x), np.array([scalar_gelu(fmaf, value) for value in x]))


def test_they_are_near_the_functions_that_they_stand_for() -> None:
    x = np.concatenate([np.linspace(-90, 90, 20_001), np.linspace(-2, 2, 20_001)])
    x = x.astype(np.float32)
    exact = x.astype(np.float64)
    np.testing.assert_allclose(tanh(x), np.tanh(exact), rtol=4 * 2.0**-23)
    np.testing.assert_allclose(silu(x), exact / (1 + np.exp(-exact)), rtol=1e-6, atol=1e-30)
    erf = np.array([math.erf(value / math.sqrt(2)) for value in exact.tolist()])
    np.testing.assert_allclose(gelu(x), exact * (1 + erf) / 2, rtol=1e-6, atol=3e-7)


def test_gelu_is_negative_as_far_as_pytorchs_is() -> None:
    """Further down 1 + erf is 0, and −0.0 no negative number."""
    x = np.linspace(-9, 0, 100_001).astype(np.float32)
    y = gelu(x)
    assert (y[(x > -5.4) & (x < 0)] < 0).all()
    assert (y[x < -5.6] == 0).all()


def test_exp_is_within_two_ulp() -> None:
    x = np.linspace(-87, 88, 400_001).astype(np.float32)
    relative = exp(x).astype(np.float64) / np.exp(x.astype(np.float64)) - 1
    assert np.abs(relative).max() < 2 * 2.0**-23


def test_sigmoid_at_its_ends() -> None:
    values = sigmoid(np.float32([-np.inf, -1000, 0, -0.0, 1000, np.inf]))
    assert values[2] == values[3] == 0.5
    assert values[4] == values[5] == 1
    assert 0 < values[0] == values[1] < 1e-37


def test_ends_of_the_others() -> None:
    ends = np.float32([-np.inf, -3e38, -0.0, 0, 3e38, np.inf])
    assert tanh(ends).tolist() == [-1, -1, 0, 0, 1, 1]
    assert gelu(ends)[1:].tolist() == [0, 0, 0, np.float32(3e38), np.inf]
    assert silu(ends)[2:].tolist() == [0, 0, np.float32(3e38), np.inf]
    assert np.signbit(tanh(ends[2:4])).tolist() == [False, False]


@pytest.mark.parametrize("function", [exp, gelu, sigmoid, silu, tanh])
def test_nan_stays(function: Callable[[Float32], Float32]) -> None:
    assert np.isnan(function(np.float32([np.nan, -np.nan]))).all()
