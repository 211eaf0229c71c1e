"""The constants of a file: numbered in the order of their first use, equal ones only once."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import numpy.typing as npt

__all__ = ["Constant", "NumberedConstants"]

Constant = npt.NDArray[np.generic]


class NumberedConstants:
    """Gives every array its number; arrays of the same dtype, shape and bytes share one."""

    def __init__(self) -> None:
        self.arrays: dict[str, Constant] = {}
        """The file's tensors, "0", "1", …"""
        self._numbers: dict[tuple[str, tuple[int, ...], bytes], int] = {}

    def number(self, array: Constant) -> int:
        """The number of a contiguous array."""
        key = array.dtype.str, array.shape, sha256(array.tobytes()).digest()
        number = self._numbers.setdefault(key, len(self._numbers))
        self.arrays.setdefault(str(number), array)
        return number
