"""The graph of an `.sbnn` file as plain data: what docs/format.md describes, key by key.

A tensor is known by its number: the graph's inputs come first, then every output of every node, in
order. A constant n is the file's tensor called "n". Says nothing about JSON (schema/) or about
what is valid (validate.py).
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from signbit.bitformat.table import OPERATIONS, STEPS, Operation, StepRule
from signbit.errors import InputError

__all__ = [
    "COLOURS",
    "FORMAT_VERSION",
    "INTERPOLATIONS",
    "KINDS",
    "RESIZE_RULES",
    "Graph",
    "GraphInput",
    "GraphOutput",
    "Node",
    "Output",
    "Pair",
    "Resize",
    "Shape",
    "Sides",
    "Step",
    "added_sides",
    "at_size",
    "key_value",
]

FORMAT_VERSION = 1

KINDS = ("image", "real", "bits")
INTERPOLATIONS = ("bilinear", "nearest", "bicubic")
RESIZE_RULES = ("torchvision",)
COLOURS = ("rgb", "bgr", "gray")

Pair = tuple[int, int]
"""(vertical, horizontal)"""
Sides = tuple[int, int, int, int]
"""(top, left, bottom, right)"""
Shape = tuple[int, int, int]
"""(height, width, channels) of one image's tensor; a vector has height = width = 1."""


def added_sides(inner: Sides, outer: Sides) -> Sides:
    """Of one padding around another."""
    top, left, bottom, right = map(sum, zip(inner, outer, strict=True))
    return top, left, bottom, right


@dataclass(frozen=True)
class Step:
    """One step after an operation. `keys` holds what differs from the table's defaults."""

    op: str
    keys: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rule(self) -> StepRule:
        return STEPS[self.op]

    def __getitem__(self, key: str) -> Any:
        """A key's value, or its default; KeyError for a key that the step does not have."""
        return key_value(self.keys, self.rule, key)


@dataclass(frozen=True)
class Output:
    """A tensor that a node writes: reals, or the signs (u < threshold[c]) XOR flip[c].

    It follows the first `after` steps; None means all of them. An I32 threshold compares the
    operation's own integers, and then `after` is 0.
    """

    kind: str = "real"
    after: int | None = None
    threshold: int | None = None
    """Constant, F32 or I32 (channels,); None means 0."""
    flip: int | None = None
    """Constant, U8 (channels,) of 0 and 1; None means 0."""


@dataclass(frozen=True)
class Node:
    """An operation, the steps that follow it, and the tensors that are written."""

    name: str
    op: str
    inputs: tuple[int, ...]
    """Every tensor that is read: the operation's inputs, then what steps refer to by place."""
    keys: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    outputs: tuple[Output, ...] = (Output(),)

    @property
    def rule(self) -> Operation:
        return OPERATIONS[self.op]

    def __getitem__(self, key: str) -> Any:
        """A key's value, or its default; KeyError for a key that the operation does not have."""
        return key_value(self.keys, self.rule, key)


@dataclass(frozen=True)
class Resize:
    """How a photograph is made to fit an image input: by one of the two sizes, or the letterbox.

    Scaled to one of the sizes its centre is cut out. In a letterbox it is scaled to lie inside the
    input, with bars of a colour beside it.
    """

    shorter_side: int | None = None
    """In pixels; the aspect stays."""
    interpolation: str = "bilinear"
    rule: str = "torchvision"
    """How sizes are rounded."""
    both_sides: Pair | None = None
    """(height, width) in pixels, whatever the aspect was."""
    letterbox: tuple[int, ...] | None = None
    """The colour of the bars, 0 to 255 for each of the input's channels."""
    aliased: bool = False
    """Whether shrinking looks at the nearest pixels alone, as enlarging does."""
    colours: str = "rgb"
    """The order of three channels; or gray, three times the same."""

    def at_size(self, own: Pair, size: Pair) -> Resize:
        """The rule at another size of the input than its own: a photograph is cut as much.

        Rounded up where it is not whole, so that the input is still covered.
        """
        shorter, both = self.shorter_side, self.both_sides
        if shorter is not None:
            shorter = -(-shorter * max(size) // max(own))
        if both is not None:
            both = -(-both[0] * size[0] // own[0]), -(-both[1] * size[1] // own[1])
        return replace(self, shorter_side=shorter, both_sides=both)


@dataclass(frozen=True)
class GraphInput:
    """A tensor that a caller gives: kind is image or real, shape that of one image."""

    name: str
    kind: str
    shape: Shape
    resize: Resize | None = None
    table: int | None = None
    """Constant, U8 (256, channels): what takes the place of each pixel; None leaves them alone."""


@dataclass(frozen=True)
class GraphOutput:
    """A tensor that a caller gets; class names where its channels are scores of classes."""

    name: str
    tensor: int
    classes: tuple[str, ...] = ()
    confidence: int | None = None
    """Constant, F32 (2,): the temperature that scores are divided by before their softmax, and the
    least probability at which a class is named; None means 1 and 0."""


@dataclass(frozen=True)
class Graph:
    """A network: nodes in order of execution."""

    inputs: tuple[GraphInput, ...]
    outputs: tuple[GraphOutput, ...]
    nodes: tuple[Node, ...]
    source: Mapping[str, str] = field(default_factory=dict)
    any_size: bool = False
    """Whether the file was compiled for inputs of any height and width."""
    format: int = FORMAT_VERSION

    def __repr__(self) -> str:
        names = [given.name for given in self.inputs] + [wanted.name for wanted in self.outputs]
        few = ", ".join(map(reprlib.repr, names[:4])) + (", …" if names[4:] else "")
        return f"<Graph of {len(self.nodes)} nodes: {few}>"

    def written(self) -> Iterator[tuple[Node, range]]:
        """Each node, with the numbers of the tensors that it writes."""
        for node, first in zip(self.nodes, self.first_tensors(), strict=True):
            yield node, range(first, first + len(node.outputs))

    def first_tensors(self) -> Iterator[int]:
        """The number of each node's first output, node by node."""
        number = len(self.inputs)
        for node in self.nodes:
            yield number
            number += len(node.outputs)


def at_size(graph: Graph, size: Pair) -> Graph:
    """The graph with its images of this height and width; validate.py checks that they fit.

    Raises InputError where the file was compiled for one size.
    """
    if not graph.any_size:
        raise InputError(
            "input_size: the file was compiled for one size of images; compile it with --any-size"
        )
    inputs = (
        replace(given, shape=(*size, given.shape[2])) if given.kind == "image" else given
        for given in graph.inputs
    )
    return replace(graph, inputs=tuple(inputs))


def key_value(keys: Mapping[str, Any], rule: Operation | StepRule, name: str) -> Any:
    """A key's value, or its default in the table; KeyError for one that the rule does not have."""
    if name in keys:
        return keys[name]
    for key in rule.keys:
        if key.name == name:
            return key.default
    raise KeyError(f"{rule.name} has no key {name!r}")
