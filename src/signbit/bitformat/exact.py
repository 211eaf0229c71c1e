"""Float32 arithmetic that NumPy lacks, exact to the bit: fused multiply-add, exp and sigmoid.

The recipes are those of docs/format.md; every engine follows them operation by operation.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Float32", "exp", "fma", "sigmoid"]

Float32 = npt.NDArray[np.float32]

_LOG2_E = np.float32(float.fromhex("0x1.715476p+0"))
_LN2_HIGH = np.float32(float.fromhex("0x1.62e400p-1"))
_LN2_LOW = np.float32(float.fromhex("0x1.7f7d1cp-20"))
# Adding and subtracting 1.5 · 2^23 leaves the nearest integer: its ulp is 1.
_TO_INTEGER = np.float32(float.fromhex("0x1.8p+23"))
_EXP_HIGHEST = np.float32(float.fromhex("0x1.6850e4p-10"))
_EXP_COEFFICIENTS = tuple(
    np.float32(float.fromhex(text))
    for text in (
        "0x1.123bccp-7",
        "0x1.555b98p-5",
        "0x1.55548ep-3",
        "0x1.fffff8p-2",
        "0x1p+0",
        "0x1p+0",
    )
)
_ONE = np.float32(1)


def fma(a: npt.ArrayLike, b: npt.ArrayLike, c: npt.ArrayLike) -> Float32:
    """a·b + c of float32 operands, rounded once to float32 (nearest even); they broadcast.

    The product of two float32 is exact in float64. The sum is not, and rounding it twice (to
    float64, then to float32) can differ from rounding once. So it is rounded to odd first, which
    is safe where the first format has at least two bits more than the second (Boldo and
    Melquiond, "Emulation of FMA and correctly rounded sums", IEEE ToC 2008): truncate towards
    zero, then set the last bit if anything was lost.
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


def exp(x: npt.ArrayLike) -> Float32:
    """e^x of float32 by the file format's polynomial, x held to −87 … 88; about 1 ulp."""
    x = np.asarray(x, np.float32)
    x = np.where(x < -87, np.float32(-87), np.where(x > 88, np.float32(88), x))
    n = fma(x, _LOG2_E, _TO_INTEGER) - _TO_INTEGER
    r = fma(n, -_LN2_HIGH, x)
    r = fma(n, -_LN2_LOW, r)
    p = np.full_like(r, _EXP_HIGHEST)
    for coefficient in _EXP_COEFFICIENTS:
        p = fma(p, r, coefficient)
    with np.errstate(invalid="ignore"):  # the integer of a NaN is moot: p is NaN then
        exponent = (n.astype(np.int32) + np.int32(127)) << np.int32(23)
    return p * exponent.view(np.float32)


def sigmoid(x: npt.ArrayLike) -> Float32:
    """1 / (1 + exp(−x)) of float32, with `exp` above."""
    return _ONE / (_ONE + exp(-np.asarray(x, np.float32)))
