"""The one sign of signbit and its bits: negative is 1, zero and NaN are positive.

Bits are packed least significant first into 64-bit words; unused bits of the last word are 0.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["WORD_BITS", "negative", "pack_bits", "sign", "unpack_bits", "word_count"]

WORD_BITS = 64
_WORD_BYTES = WORD_BITS // 8


def negative(x: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """True where x < 0. A comparison, not the top bit: −0.0 and NaN of either sign are False."""
    return np.asarray(np.asarray(x) < 0)


def sign(x: npt.ArrayLike) -> npt.NDArray[np.int8]:
    """−1 where x < 0, else +1 (also for −0.0 and NaN)."""
    return np.where(negative(x), np.int8(-1), np.int8(1))


def word_count(bits: int) -> int:
    """64-bit words that hold this many bits."""
    return -(-bits // WORD_BITS)


def pack_bits(negative: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint64]:
    """Pack bool (..., K) into uint64 (..., ceil(K / 64)): bit i mod 64 of word i div 64."""
    *lead, bits = negative.shape
    packed = np.packbits(negative, axis=-1, bitorder="little")
    padded = np.zeros((*lead, word_count(bits) * _WORD_BYTES), np.uint8)
    padded[..., : packed.shape[-1]] = packed
    return padded.view("<u8").astype(np.uint64, copy=False)


def unpack_bits(words: npt.NDArray[np.uint64], bits: int) -> npt.NDArray[np.bool_]:
    """Unpack uint64 (..., ceil(bits / 64)) into bool (..., bits); the inverse of `pack_bits`."""
    octets = np.ascontiguousarray(words, dtype="<u8").view(np.uint8)
    return np.unpackbits(octets, axis=-1, count=bits, bitorder="little").astype(np.bool_)
