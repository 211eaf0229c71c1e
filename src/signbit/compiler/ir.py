"""The compiler's graph between PyTorch and the file: plain data, no torch.

A node yields one value for one image, of shape (height, width, channels). Its operations are the
file's bodies (docs/format.md), three that passes remove (`batch_norm`, `flatten`, `view`) and one
that lowering attaches to its producer (`sign`). Each stage of an epilogue is at first a
`pointwise` node of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from signbit.bitformat.graph import Pair, Pool, Shortcut
from signbit.errors import CompileError

__all__ = [
    "IMAGE",
    "FloatArray",
    "Graph",
    "Node",
    "NormParameters",
    "Origin",
    "Shape",
    "is_affine",
    "refuse",
]

IMAGE = "image"
"""Name of the value that holds the raw pixels."""

FloatArray = npt.NDArray[np.float64] | npt.NDArray[np.float32]


class Shape(NamedTuple):
    """Of one image's value; a vector has height = width = 1."""

    height: int
    width: int
    channels: int


class Origin(NamedTuple):
    """Where a value comes from: the node of the exported graph and the module that made it."""

    export: str
    module: str
    target: str

    def __str__(self) -> str:
        return f"{self.module or 'the model'} ({self.target})"


@dataclass(frozen=True, eq=False)
class NormParameters:
    """Of a batch-norm in evaluation: weight·(x − mean)/√(variance + epsilon) + bias, float64."""

    weight: npt.NDArray[np.float64]
    bias: npt.NDArray[np.float64]
    mean: npt.NDArray[np.float64]
    variance: npt.NDArray[np.float64]
    epsilon: float


@dataclass(frozen=True, eq=False)
class Node:
    """One operation and the value it yields; fields that an operation lacks stay at their default.

    op: `image`, `real_conv`, `binary_conv`, `max_pool`, `avg_pool`, `global_mean`, `pointwise`,
    `batch_norm`, `flatten` (of a map in PyTorch's channel, y, x order), `view` (every stride-th
    pixel, zero channels around) or `sign`.
    """

    name: str
    """Of the value; readers know the node by it."""
    op: str
    input: str
    shape: Shape
    origin: Origin
    is_sign: bool = False
    """The value holds −1 and +1 only."""
    body: Origin | None = None
    """Origin of the body, where more has been fused to it and `origin` is the last part's."""
    title: str = ""
    """Name of the body's value before that."""
    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1
    weight: npt.NDArray[Any] | None = None
    """(out, kh, kw, in / groups); real_conv: float64, later float32, or int16 of an int16 stem;
    binary_conv: int8 ±1."""
    pad_value: FloatArray | npt.NDArray[np.uint8] | None = None
    """(in,); uint8 where the weight is int16"""
    pool: Pool | None = None
    norm: NormParameters | None = None
    offset: int = 0
    """Of a view: zero channels before the first."""
    scale: FloatArray | None = None
    shift: FloatArray | None = None
    shortcut: Shortcut | None = None
    activation: str | None = None
    slope: FloatArray | None = None
    threshold: npt.NDArray[np.float32] | npt.NDArray[np.int32] | None = None
    """Of a sign: bit = (u < threshold[c]) XOR flip[c]; int32 compares the integer dots."""
    flip: npt.NDArray[np.uint8] | None = None
    signed: str = ""
    """Of a sign: the exported node whose sign it is."""

    @property
    def has_integer_sums(self) -> bool:
        """Whether the body yields integers: a binary convolution or an int16 stem."""
        return self.weight is not None and self.weight.dtype in (np.int8, np.int16)

    @property
    def body_origin(self) -> Origin:
        return self.body or self.origin

    def operands(self) -> tuple[str, ...]:
        """Names of the values read."""
        names = (self.input,) if self.input else ()
        return names if self.shortcut is None else (*names, self.shortcut.tensor)

    def parts(self) -> tuple[bool, bool, bool]:
        """Which stages of the epilogue are present: affine, shortcut, activation."""
        return self.scale is not None, self.shortcut is not None, self.activation is not None


@dataclass
class Graph:
    """Nodes in order of execution, by name. Passes rewrite it in place."""

    nodes: dict[str, Node] = field(default_factory=dict)
    output: str = ""

    def __iter__(self) -> Iterator[Node]:
        """In order, each node as it is when its turn comes: a pass may rewrite or remove it before.

        Nodes added on the way are not visited.
        """
        for name in list(self.nodes):
            if name in self.nodes:
                yield self.nodes[name]

    def __getitem__(self, name: str) -> Node:
        return self.nodes[name]

    def __contains__(self, name: str) -> bool:
        return name in self.nodes

    def add(self, node: Node) -> Node:
        """Append a node."""
        assert node.name not in self.nodes, node.name
        assert all(name in self.nodes for name in node.operands()), node.name
        self.nodes[node.name] = node
        return node

    def update(self, name: str, **changes: Any) -> Node:
        """Change fields of a node where it stands; its name stays."""
        assert "name" not in changes
        self.nodes[name] = replace(self.nodes[name], **changes)
        return self.nodes[name]

    def insert_before(self, name: str, node: Node) -> None:
        """Put a new node in front of another."""
        assert node.name not in self.nodes
        items = list(self.nodes.items())
        place = list(self.nodes).index(name)
        self.nodes = dict([*items[:place], (node.name, node), *items[place:]])

    def insert_after(self, name: str, node: Node) -> None:
        """Put a new node behind another."""
        assert node.name not in self.nodes
        items = list(self.nodes.items())
        place = list(self.nodes).index(name) + 1
        self.nodes = dict([*items[:place], (node.name, node), *items[place:]])

    def remove(self, name: str) -> None:
        """Delete a node that nobody reads."""
        assert not self.readers(name)
        assert name != self.output
        del self.nodes[name]

    def bypass(self, name: str) -> None:
        """Delete a node; its readers, and the graph's output, take its input instead."""
        node = self.nodes[name]
        self.redirect(name, node.input)
        del self.nodes[name]

    def redirect(self, old: str, new: str) -> None:
        """Let every reader of a value, and the graph's output, take another one."""
        for reader in self.readers(old):
            changes: dict[str, Any] = {}
            if reader.input == old:
                changes["input"] = new
            if reader.shortcut is not None and reader.shortcut.tensor == old:
                changes["shortcut"] = replace(reader.shortcut, tensor=new)
            self.update(reader.name, **changes)
        if self.output == old:
            self.output = new

    def readers(self, name: str) -> list[Node]:
        """Nodes that read a value, in order; one that reads it twice is listed once."""
        return [node for node in self.nodes.values() if name in node.operands()]

    def only_reader(self, name: str) -> Node | None:
        """The one node that reads a value, if it is one and the value is not the graph's output."""
        readers = self.readers(name)
        return readers[0] if len(readers) == 1 and name != self.output else None

    def place(self, name: str) -> int:
        """Position in the order of execution."""
        return list(self.nodes).index(name)

    def unique(self, wanted: str) -> str:
        """A name not yet taken, made of the wanted one."""
        name, number = wanted, 2
        while name in self.nodes:
            name, number = f"{wanted}.{number}", number + 1
        return name


def is_affine(node: Node) -> bool:
    """Whether a node is a scale and shift a channel and nothing else."""
    return node.op == "pointwise" and node.parts() == (True, False, False)


def refuse(origin: Origin, reason: str) -> CompileError:
    """The error for what the engine cannot do: module path, op, reason."""
    return CompileError(f"{origin}: {reason}")
