"""What the functions that write C are given: tensors, a node, and what the sources have so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import NamedTuple

import numpy as np

from signbit.bitformat.checks import Array
from signbit.bitformat.graph import Node, Shape
from signbit.bitformat.int16_stem import MAX_PIXEL, MAX_SUM
from signbit.targets.c.text import array, literal
from signbit.targets.c.words import Kernel

__all__ = ["Body", "Pool", "Site", "Stored", "narrowest"]

_C_TYPES = {
    np.dtype(np.float32): "float",
    np.dtype(np.uint32): "word",
    np.dtype(np.int32): "int32_t",
    np.dtype(np.int16): "int16_t",
    np.dtype(np.int8): "int8_t",
    np.dtype(np.uint8): "uint8_t",
    np.dtype(np.uint16): "uint16_t",
}


class Stored(NamedTuple):
    """A tensor as the sources hold it: pixels, reals, or signs in whole words for each pixel."""

    number: int
    kind: str
    shape: Shape

    @property
    def name(self) -> str:
        """Of the pointer to it in the node's functions."""
        return f"t{self.number}"

    @property
    def c_type(self) -> str:
        return {"image": "uint8_t", "real": "real", "bits": "word"}[self.kind]

    @property
    def channels(self) -> int:
        return self.shape[2]

    @property
    def words(self) -> int:
        """32-bit words that hold the signs of a pixel."""
        return -(-self.channels // 32)

    @property
    def size(self) -> int:
        """Bytes."""
        if self.kind == "bits":
            return self.shape[0] * self.shape[1] * self.words * 4
        return prod(self.shape) * (1 if self.kind == "image" else 4)

    def at(self, pixel: str, channel: str) -> str:
        """The expression of a value; of signs it is the bit, 0 or 1."""
        if self.kind != "bits":
            return f"{self.name}[({pixel}) * {self.channels} + {channel}]"
        word = f"({channel}) >> 5" if self.words > 1 else "0"
        return f"({self.name}[({pixel}) * {self.words} + ({word})] >> (({channel}) & 31) & 1u)"


class Pool:
    """The constants of the sources, each once, and the fragments and kernels that they need."""

    def __init__(self) -> None:
        self.size = 0
        """Bytes."""
        self.fragments: set[str] = set()
        self.kernels: set[Kernel] = set()
        self._names: dict[tuple[str, bytes], str] = {}
        self._values: dict[str, Array] = {}

    def constant(self, values: Array) -> str:
        """The name of a constant array that holds these values."""
        values = np.ascontiguousarray(values)
        c_type = _C_TYPES[values.dtype]
        key = c_type, values.tobytes()
        if key not in self._names:
            self._names[key] = f"k{len(self._names)}"
            self._values[self._names[key]] = values
            self.size += values.nbytes
        return self._names[key]

    def lines(self) -> list[str]:
        """All constants as C."""
        written = (
            array(_C_TYPES[values.dtype], name, values) for name, values in self._values.items()
        )
        return [line for lines in written for line in lines]


class Body(NamedTuple):
    """What an operation computes at one output pixel, as lines of C.

    yields: what `value` declares for channel c: integer (`v0`, int32_t), real (`v`, float) or bit
    (`bit`, 1 for −1). pixel: lines before the loop over channels. words: lines that declare `bits`,
    all signs of word i at once, if that can be done. stored: lines that compute and store every
    output themselves, without that loop. largest: the largest magnitude of an integer, as it is in
    int16 stems if nothing else is said.
    """

    yields: str
    value: Sequence[str]
    pixel: Sequence[str] = ()
    words: Sequence[str] = ()
    stored: Sequence[str] = ()
    largest: int = MAX_SUM // MAX_PIXEL * MAX_PIXEL


@dataclass
class Site:
    """A node, the tensors that it reads and writes, and where constants and needs are noted."""

    node: Node
    inputs: list[Stored]
    outputs: list[Stored]
    arrays: Mapping[int, Array]
    pool: Pool
    scratch: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Memory that the node works in: the pointer's name → type, number of values."""
    summed: Site | None = None
    """The node whose values this one adds up as they come, in the same memory to work in."""

    @property
    def shape(self) -> Shape:
        """Of what the operation yields."""
        return self.outputs[0].shape

    @property
    def read(self) -> list[Stored]:
        """Every tensor that is read from memory."""
        return [*self.summed.inputs, *self.inputs[1:]] if self.summed else self.inputs

    @property
    def source(self) -> Stored:
        """The first tensor that the operation reads."""
        return self.inputs[0]

    def array(self, key: str) -> Array | None:
        """The constant that a key of the operation names, or None."""
        number = self.node[key]
        return None if number is None else self.arrays[number]

    def per_channel(self, values: Array, index: str = "c") -> str:
        """The expression of a channel's constant; a number where all channels have the same."""
        flat = values.ravel()
        if (flat.view(f"u{flat.itemsize}") == flat.view(f"u{flat.itemsize}")[0]).all():
            return f"({literal(flat[0])})" if flat.dtype.kind == "f" else literal(flat[0])
        return f"{self.pool.constant(flat)}[{index}]"

    def need(self, *fragments: str) -> None:
        """Note which fragments the node's code calls."""
        self.pool.fragments.update(fragments)

    def work(self, name: str, c_type: str, count: int) -> str:
        """Memory of the node's own for its time; returns the pointer's name."""
        self.scratch[name] = c_type, count
        return name


def narrowest(values: Array) -> Array:
    """Integers in the smallest signed type that holds them."""
    low, high = int(values.min()), int(values.max())
    for dtype in (np.int8, np.int16):
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return values.astype(dtype)
    return values.astype(np.int32)
