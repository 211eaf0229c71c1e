"""Float32 arithmetic that NumPy lacks, exact to the bit: fused multiply-add, exp, and the smooth
activations that are built on them.

The recipes are those of docs/format.md; every engine follows them operation by operation.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

__all__ = ["Float32", "exp", "fma", "gelu", "sigmoid", "silu", "tanh"]

Float32 = npt.NDArray[np.float32]


def _hex(*texts: str) -> tuple[np.float32, ...]:
    return tuple(np.float32(float.fromhex(text)) for text in texts)


_ONE, _TWO, _HALF = np.float32(1), np.float32(2), np.float32(0.5)

_LOG2_E, _LN2_HIGH, _LN2_LOW = _hex("0x1.715476p+0", "0x1.62e400p-1", "0x1.7f7d1cp-20")
# Adding and subtracting 1.5 · 2^23 leaves the nearest integer: its ulp is 1.
(_TO_INTEGER,) = _hex("0x1.8p+23")
_EXP = _hex(
    "0x1.6850e4p-10",
    "0x1.123bccp-7",
    "0x1.555b98p-5",
    "0x1.55548ep-3",
    "0x1.fffff8p-2",
    "0x1p+0",
    "0x1p+0",
)
_TANH = _hex("-0x1.75e1d4p-8", "0x1.52269cp-6", "-0x1.b83c5ap-5", "0x1.110726p-3", "-0x1.555532p-2")
_TANH_IS_SMALL = np.float32(0.625)
_SQRT_HALF, _ERFC_SLOPE = _hex("0x1.6a09e6p-1", "0x1.4f740ap-2")
_ERFC = _hex("0x1.0fb844p+0", "-0x1.7401c6p+0", "0x1.6be1c6p+0", "-0x1.23531cp-2", "0x1.04f20cp-2")


def fma(a: npt.ArrayLike, b: npt.ArrayLike, c: npt.ArrayLike) -> Float32:
    """a·b + c of float32 operands, rounded once to float32 (nearest even); they broadcast.

    The product of two float32 is exact in float64. The sum is not, and rounding it twice (to
    float64, then to float32) can differ from rounding once. So it is rounded to odd first:
    truncated towards zero, and then the last bit is set if anything was lost. That is safe where
    the first format has at least two bits more than the second (Boldo and Melquiond, "Emulation of
    FMA and correctly rounded sums", IEEE ToC 2008).
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        addend = np.asarray(c, np.float64)
        product = np.asarray(np.asarray(a, np.float64) * np.asarray(b, np.float64))
        total = np.asarray(product + addend)
        # Knuth's two-sum: total + lost is the exact sum. lost is NaN where total is not finite.
        added = total - product
        lost = (product - (total - added)) + (addend - added)
        inexact = np.abs(lost) > 0
        rounded_away = inexact & ((lost < 0) != (total < 0))
        bits = total.view(np.int64)
        bits -= rounded_away
        bits |= inexact
        return total.astype(np.float32)


def _polynomial(x: Float32, coefficients: Iterable[np.float32]) -> Float32:
    """Horner's rule: p begins as the first coefficient, then p = fma(p, x, next)."""
    first, *others = coefficients
    p = np.full_like(x, first)
    for coefficient in others:
        p = fma(p, x, coefficient)
    return p


def exp(x: npt.ArrayLike) -> Float32:
    """e^x of float32 by the file format's polynomial, x held to −87 … 88; about 1 ulp."""
    x = np.asarray(x, np.float32)
    x = np.where(x < -87, np.float32(-87), np.where(x > 88, np.float32(88), x))
    n = fma(x, _LOG2_E, _TO_INTEGER) - _TO_INTEGER
    r = fma(n, -_LN2_HIGH, x)
    r = fma(n, -_LN2_LOW, r)
    p = _polynomial(r, _EXP)
    with np.errstate(invalid="ignore"):  # the integer of a NaN is moot: p is NaN then
        exponent = (n.astype(np.int32) + np.int32(127)) << np.int32(23)
    return p * exponent.view(np.float32)


def sigmoid(x: npt.ArrayLike) -> Float32:
    """1 / (1 + exp(−x)) of float32, with `exp` above."""
    return _ONE / (_ONE + exp(-np.asarray(x, np.float32)))


def silu(x: npt.ArrayLike) -> Float32:
    """x / (1 + exp(−x)) of float32, with `exp` above."""
    v = np.asarray(x, np.float32)
    y: Float32 = v / (_ONE + exp(-v))
    return y


def tanh(x: npt.ArrayLike) -> Float32:
    """tanh of float32: a polynomial near 0, 1 − 2 / (exp(2|x|) + 1) elsewhere; about 2 ulp."""
    x = np.asarray(x, np.float32)
    a = np.abs(x)
    with np.errstate(over="ignore"):  # where one of the two overflows, the other is taken
        z = a * a
        small = fma(_polynomial(z, _TANH) * z, a, a)
        large = _ONE - _TWO / (exp(a + a) + _ONE)
    t = np.where(a < _TANH_IS_SMALL, small, large)
    return np.where(x < 0, -t, t)


def gelu(x: npt.ArrayLike) -> Float32:
    """x · (1 + erf(x / √2)) / 2 of float32, erf to about 1.5e−7 (Abramowitz and Stegun 7.1.26)."""
    x = np.asarray(x, np.float32)
    a = np.abs(x) * _SQRT_HALF
    t = _ONE / fma(a, _ERFC_SLOPE, _ONE)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        erf = _ONE - (_polynomial(t, _ERFC) * t) * exp(-(a * a))
        return _HALF * x * np.where(x < 0, _ONE - erf, _ONE + erf)
