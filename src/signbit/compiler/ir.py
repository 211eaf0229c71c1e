"""The compiler's graph between PyTorch and the file: plain data, no torch.

A node yields one value for one image, of shape (height, width, channels). Its operations are the
file's (docs/format.md), `pointwise` where the file says `identity`, those that passes remove
(`REMOVED`) and one that lowering attaches to its producer (`sign`). Each stage of an epilogue is at
first a `pointwise` node of its own, but for `sums` and a shift by border of a binary convolution.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from signbit.bitformat.graph import Pair
from signbit.errors import CompileError

__all__ = [
    "HELPERS",
    "IMAGE",
    "REMOVED",
    "FloatArray",
    "Graph",
    "Node",
    "NormParameters",
    "Origin",
    "Pool",
    "Shape",
    "Shortcut",
    "is_addition",
    "is_affine",
    "is_by_channel",
    "refuse",
]

IMAGE = "image"
"""Name of the value that holds the raw pixels."""

HELPERS = ("negative", "choice")
"""Halves of another operation, read by nothing else: x < 0, and one of two constants by it."""

REMOVED = ("batch_norm", "flatten", "view", "concat", *HELPERS)
"""Operations that the passes remove."""

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
    beside: tuple[str, ...] = ()
    """Of a body that does the work of several nodes: the others, whose channels follow."""

    def __str__(self) -> str:
        return f"{self.module or 'the model'} ({self.target})"


@dataclass(frozen=True)
class Pool:
    """Maximum of a binary convolution's dots over windows, without padding."""

    kernel: Pair
    stride: Pair


@dataclass(frozen=True)
class Shortcut:
    """The value that is added: [y·stride, x·stride, c − offset], or 0 where it has no such channel.

    Stride (0, 0) is a value of one pixel. With `repeat` channel c reads c mod the value's channels.
    """

    tensor: str
    stride: Pair = (1, 1)
    offset: int = 0
    repeat: bool = False


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

    op: `image`, `sign`, an op of the file, or one of `REMOVED`: `batch_norm`, `flatten` (of a map
    in PyTorch's channel, y, x order), `view` (every stride-th pixel, zero channels around or the
    same channels again), `concat` (along the channels) and the helpers.
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
    """(out, kh, kw, in / groups); int8 ±1 of binary_conv, and of real_conv with binary weights;
    else real_conv has float64, later float32, or int16 of an int16 stem."""
    pad_value: FloatArray | npt.NDArray[np.uint8] | None = None
    """(in,); uint8 where the weight is int16"""
    pool: Pool | None = None
    norm: NormParameters | None = None
    zeros: int = 0
    """Of a view: zero channels before the first."""
    repeat: bool = False
    """Of a view: the channels again and again, instead of zeros."""
    others: tuple[str, ...] = ()
    """Of a concat: the values that follow the input."""
    map: str = ""
    """Value (height, width, 1) that multiplies: of a pointwise node, and of a binary_conv's dots"""
    sums: str = ""
    """Value (height, width, groups) of which sums_scale (channels,) times is added."""
    sums_scale: FloatArray | None = None
    scale: FloatArray | None = None
    shift: FloatArray | None = None
    """(channels,); of a binary_conv also (row sets, column sets, channels)"""
    shortcut: Shortcut | None = None
    activation: str | None = None
    slope: FloatArray | None = None
    positive_slope: FloatArray | None = None
    offset: FloatArray | None = None
    """(channels,), added after the activation"""
    threshold: npt.NDArray[np.float32] | npt.NDArray[np.int32] | None = None
    """Of a sign: bit = (u < threshold[c]) XOR flip[c]; int32 compares the integer dots."""
    flip: npt.NDArray[np.uint8] | None = None
    signed: str = ""
    """Of a sign: the exported node whose sign it is."""
    steps: tuple[Node, ...] = ()
    """Of a sign: per-channel maths that its threshold has taken over, in order."""
    pixel_signs: npt.NDArray[np.bool_] | None = None
    """Of a sign that one pixel decides: whether PyTorch's is −1, (channels, 256) by its value."""

    @property
    def yields_integers(self) -> bool:
        """Whether the value is the sum of a binary convolution or int16 stem, nothing added yet."""
        int16 = self.weight is not None and self.weight.dtype == np.int16
        alone = not (any(self.parts()) or self.sums)
        return alone and (self.op == "binary_conv" or int16)

    @property
    def body_origin(self) -> Origin:
        return self.body or self.origin

    def operands(self) -> tuple[str, ...]:
        """Names of the values read."""
        shortcut = "" if self.shortcut is None else self.shortcut.tensor
        return tuple(filter(None, (self.input, *self.others, self.map, self.sums, shortcut)))

    def parts(self) -> tuple[bool, ...]:
        """Which stages of the epilogue are present: map, affine, shortcut, activation, offset."""
        stages = (self.map or None, self.scale, self.shortcut, self.activation, self.offset)
        return tuple(stage is not None for stage in stages)


@dataclass
class Graph:
    """Nodes in order of execution, by name. Passes rewrite it in place."""

    nodes: dict[str, Node] = field(default_factory=dict)
    output: str = ""

    def __iter__(self) -> Iterator[Node]:
        """In order, each as it is when its turn comes; nodes added on the way are not visited."""
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
        self._insert(self.place(name), node)

    def insert_after(self, name: str, node: Node) -> None:
        """Put a new node behind another."""
        self._insert(self.place(name) + 1, node)

    def _insert(self, place: int, node: Node) -> None:
        assert node.name not in self.nodes
        items = list(self.nodes.items())
        self.nodes = dict([*items[:place], (node.name, node), *items[place:]])

    def move_before(self, name: str, node: str) -> None:
        """Put a node, which nobody in between reads, in front of another."""
        self.insert_before(name, self.nodes.pop(node))

    def remove(self, name: str) -> None:
        """Delete a node that nobody reads."""
        assert not self.readers(name)
        assert name != self.output
        del self.nodes[name]

    def bypass(self, name: str) -> None:
        """Delete a node; its readers, and the graph's output, take its input instead."""
        self.redirect(name, self.nodes[name].input)
        del self.nodes[name]

    def redirect(self, old: str, new: str) -> None:
        """Let every reader of a value, and the graph's output, take another one."""
        for reader in self.readers(old):
            changes: dict[str, Any] = {
                field: new for field in ("input", "map", "sums") if getattr(reader, field) == old
            }
            changes["others"] = tuple(new if name == old else name for name in reader.others)
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
    return node.op == "pointwise" and node.parts() == (False, True, False, False, False)


def is_addition(node: Node) -> bool:
    """Whether a node adds two values and does nothing else."""
    return node.op == "pointwise" and node.parts() == (False, False, True, False, False)


def is_by_channel(node: Node) -> bool:
    """Whether a node maps each value by itself, by constants of its channel alone."""
    return node.op == "pointwise" and node.shortcut is None and not node.map


def refuse(origin: Origin, reason: str) -> CompileError:
    """The error for what the engine cannot do: module path, op, reason."""
    return CompileError(f"{origin}: {reason}")
