"""Weights in the file's canonical order: signs as bits in 64-bit words, reals as float32."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from signbit.bitformat.bits import negative, pack_bits

__all__ = ["pack_reals", "pack_signs"]


def pack_signs(weight: npt.NDArray[np.int8]) -> npt.NDArray[np.uint64]:
    """±1 of shape (out, kh, kw, in / groups) -> U64 (out, words); tap order ky, kx, channel."""
    return pack_bits(negative(weight.reshape(len(weight), -1)))


def pack_reals(weight: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Contiguous float32 of any shape."""
    assert weight.dtype == np.float32
    return np.ascontiguousarray(weight)
