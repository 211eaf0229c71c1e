"""Small checks that raise ModelFileError, and the table of constants that nodes draw from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from signbit.bitformat.graph import Pair
from signbit.errors import ModelFileError

__all__ = ["Array", "ConstantTable", "pair_in_range", "present", "require", "value_in_range"]

Array = npt.NDArray[Any]

_T = TypeVar("_T")

_DTYPES = {
    "F32": np.dtype("f4"),
    "I32": np.dtype("i4"),
    "I16": np.dtype("i2"),
    "U8": np.dtype("u1"),
    "U64": np.dtype("u8"),
}


def require(condition: bool, where: str, message: str) -> None:
    """Raise `where: message` unless the condition holds."""
    if not condition:
        raise ModelFileError(f"{where}: {message}")


def present(value: _T | None, where: str) -> _T:
    """The value of a key that an op requires."""
    if value is None:
        raise ModelFileError(f"{where}: is missing")
    return value


def value_in_range(value: int, low: int, high: int, where: str) -> None:
    """Refuse a value outside low to high, both included."""
    require(low <= value <= high, where, f"must be {low} to {high}, is {value}")


def pair_in_range(pair: Pair, low: int, high: int, where: str) -> None:
    """Refuse a pair of which one value is outside low to high."""
    for index, value in enumerate(pair):
        value_in_range(value, low, high, f"{where}[{index}]")


class ConstantTable:
    """The file's tensors by name; remembers which of them some node has used."""

    def __init__(self, constants: Mapping[str, Array]) -> None:
        self.arrays = constants
        self._used: set[str] = set()

    def take(self, name: str, kinds: tuple[str, ...], where: str) -> Array:
        """The constant of this name, of one of these dtypes (F32, I32, I16, U8, U64) and finite."""
        require(name in self.arrays, where, f"no tensor {name!r} in the file")
        array = self.arrays[name]
        require(
            any(array.dtype == _DTYPES[kind] for kind in kinds),
            where,
            f"{name!r} must be {' or '.join(kinds)}, is {array.dtype.name}",
        )
        if array.dtype == _DTYPES["F32"]:
            finite = bool(np.isfinite(array).all())
            require(finite, where, f"{name!r} has a value that is not finite")
        self._used.add(name)
        return array

    def per_channel(self, name: str, kinds: tuple[str, ...], channels: int, where: str) -> Array:
        """As `take`, of shape (channels,)."""
        array = self.take(name, kinds, where)
        require(
            array.shape == (channels,),
            where,
            f"{name!r} must have shape ({channels},), has {array.shape}",
        )
        return array

    def require_all_used(self) -> None:
        """Refuse a file with a tensor that no node names."""
        for name in self.arrays:
            require(name in self._used, name, "no node uses this tensor of the file")
