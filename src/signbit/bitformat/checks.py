"""Small checks that raise ModelFileError, and the file's constants, which nodes draw from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.errors import ModelFileError

__all__ = ["DTYPES", "Array", "Constants", "require", "value_in_range"]

Array = npt.NDArray[Any]

DTYPES: Mapping[str, np.dtype[Any]] = {
    "U64": np.dtype(np.uint64),
    "F32": np.dtype(np.float32),
    "I32": np.dtype(np.int32),
    "I16": np.dtype(np.int16),
    "U8": np.dtype(np.uint8),
}


def require(condition: bool, where: str, message: str) -> None:
    """Raise `where: message` unless the condition holds."""
    if not condition:
        raise ModelFileError(f"{where}: {message}")


def value_in_range(value: int, least: int, most: int, where: str) -> None:
    """Refuse a value outside least to most, both included."""
    require(least <= value <= most, where, f"must be {least} to {most}, is {value}")


class Constants:
    """The file's tensors by number; remembers which of them some node has used."""

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self.arrays = arrays
        self._used: set[str] = set()
        self._asked: set[tuple[int, int]] = set()

    def take(self, number: int, dtypes: Sequence[str], where: str) -> Array:
        """Constant `number`, of one of these dtypes and finite."""
        name = str(number)
        require(name in self.arrays, where, f"no tensor {name!r} in the file")
        array = self.arrays[name]
        require(
            any(array.dtype == DTYPES[dtype] for dtype in dtypes),
            where,
            f"tensor {name!r} must be {' or '.join(dtypes)}, is {array.dtype.name}",
        )
        # Nodes may share a constant, which is searched once.
        if array.dtype == DTYPES["F32"] and name not in self._used:
            require(bool(np.isfinite(array).all()), where, f"tensor {name!r} has a NaN or infinity")
        self._used.add(name)
        return array

    def shaped(
        self, number: int, dtypes: Sequence[str], shape: tuple[int, ...], where: str
    ) -> Array:
        """Like `take`, for a constant that must have this shape."""
        array = self.take(number, dtypes, where)
        require(
            array.shape == shape,
            where,
            f"tensor {str(number)!r} must have shape {shape}, has {array.shape}",
        )
        return array

    def is_first(self, number: int, kind: int) -> bool:
        """Whether this is the first question of its kind about a constant, whose values nodes may
        share and which are searched once; `kind` is the question, for example a number of taps.
        """
        asked = (number, kind) in self._asked
        self._asked.add((number, kind))
        return not asked

    def require_all_used(self) -> None:
        """Refuse a file with a tensor that no node names."""
        for name in self.arrays:
            require(name in self._used, name, "no node uses this tensor of the file")
