"""Weights in the file's canonical order: signs as bits in 64-bit words, numbers as they are."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from signbit.bitformat.bits import negative, pack_bits

__all__ = ["pack_numbers", "pack_signs"]

_Number = TypeVar("_Number", bound=np.generic)


def pack_signs(weight: npt.NDArray[np.int8]) -> npt.NDArray[np.uint64]:
    """±1 of shape (out, kh, kw, in / groups) -> U64 (out, words); tap order ky, kx, channel."""
    return pack_bits(negative(weight.reshape(len(weight), -1)))


def pack_numbers(array: npt.NDArray[_Number]) -> npt.NDArray[_Number]:
    """Contiguous float32, int16 or uint8 of any shape."""
    assert array.dtype in (np.float32, np.int16, np.uint8)
    return np.ascontiguousarray(array)
