"""QONNX's quantisers, as its documents define them, in float32.

    Quant(x) = s · (round(clamp(x / s + z, low, high)) − z)

With one signed bit it is s · (±1 − z), +1 where x / s + z is not below 0. BipolarQuant is s · ±1,
+1 where x is not below 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from signbit.exchange.onnx.reading.call import Call
from signbit.exchange.onnx.reading.file import Array

__all__ = ["Quantiser", "bipolar", "quantised"]

_ROUND: dict[str, Callable[[Array], Array]] = {
    "ROUND": np.round,
    "FLOOR": np.floor,
    "CEIL": np.ceil,
}
_MOST_BITS = 16


def bipolar(x: Array, scale: Array) -> Array:
    """scale · ±1."""
    return np.where(x >= 0, np.float32(1), np.float32(-1)) * scale


@dataclass(frozen=True)
class Quantiser:
    """A `Quant` with its constants; called, it computes."""

    scale: Array
    zero: Array
    bits: int
    low: int
    high: int
    is_sign: bool
    """Whether it has one signed bit, and so the levels −1 and +1."""
    rounding: str

    def level(self, x: Array) -> Array:
        """The whole number before the zero point is taken away."""
        y = x / self.scale + self.zero
        if self.is_sign:
            return np.where(y >= 0, np.float32(1), np.float32(-1))
        return np.asarray(_ROUND[self.rounding](np.clip(y, self.low, self.high)), np.float32)

    def __call__(self, x: Array) -> Array:
        return np.asarray((self.level(x) - self.zero) * self.scale, np.float32)

    @property
    def levels(self) -> list[int]:
        """All whole numbers, rising."""
        return [-1, 1] if self.is_sign else list(range(self.low, self.high + 1))

    def thresholds(self) -> Array:
        """(k, …): for each level but the lowest the smallest float32 that reaches it.

        The quantiser never falls, as its scale is above 0, so that halving finds them, in the order
        of the floats' bits.
        """
        if self.is_sign and not self.zero.any():
            return np.zeros((1, *self.scale.shape), np.float32)
        wanted = np.array(self.levels[1:], np.float32).reshape(-1, *(1,) * self.scale.ndim)
        shape = (len(wanted), *self.scale.shape)
        low = np.full(shape, _place(-np.finfo(np.float32).max))
        high = np.full(shape, _place(np.finfo(np.float32).max))
        with np.errstate(all="ignore"):
            while (low < high).any():
                middle = (low + high) >> 1
                reached = self.level(_float(middle)) >= wanted
                low, high = np.where(reached, low, middle + 1), np.where(reached, middle, high)
        return _float(high)


def _place(value: np.floating[Any]) -> int:
    """The place of a float32 in the order of all."""
    bits = int(np.float32(value).view(np.int32))
    return bits if bits >= 0 else -(bits & 0x7FFFFFFF) - 1


def _float(places: Array) -> Array:
    """The float32 at each place."""
    bits = np.where(places >= 0, places, (-places - 1) | 0x80000000)
    return bits.astype(np.uint32).view(np.float32)


def quantised(call: Call) -> Quantiser:
    """The quantiser of a `Quant`. Raises CompileError for constants that mean none."""
    scale = call.constant(1, "scale").astype(np.float32)
    zero = call.constant(2, "zero point").astype(np.float32)
    zero = zero.reshape(()) if zero.size == 1 else zero
    bits = call.number(3, "bit width")
    signed, narrow = bool(call.attribute("signed", 1)), bool(call.attribute("narrow", 0))
    rounding = str(call.attribute("rounding_mode", "ROUND")).upper()
    if rounding not in _ROUND:
        call.refuse(f"rounds by {rounding}, which is not read", "ROUND, FLOOR and CEIL are")
    if bits != int(bits) or not 1 <= bits <= _MOST_BITS:
        call.refuse(f"has {bits:g} bits", f"1 to {_MOST_BITS} are read")
    if not (np.isfinite(scale).all() and (scale > 0).all() and np.isfinite(zero).all()):
        call.refuse("its scale is not above 0, or its zero point is NaN or infinite")
    count = int(bits)
    low = -(1 << (count - 1)) + narrow if signed else 0
    high = (1 << (count - 1)) - 1 if signed else (1 << count) - 1 - narrow
    return Quantiser(scale, zero, count, low, high, signed and count == 1, rounding)
