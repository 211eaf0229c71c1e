"""A node of the compiler's graph: the file's node, with names and arrays in place of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from signbit.bitformat.graph import Step, key_value
from signbit.bitformat.table import Operation
from signbit.compiler.ir.operations import RULES
from signbit.errors import CompileError, Refusal

__all__ = ["NOWHERE", "FloatArray", "Node", "Origin", "Place", "Shape", "refuse"]

FloatArray = npt.NDArray[np.float64] | npt.NDArray[np.float32]


class Shape(NamedTuple):
    """The shape of one image's value; a vector has height = width = 1."""

    height: int
    width: int
    channels: int


class Place(NamedTuple):
    """A line of the model's own source; its number from 1 on."""

    file: str
    line: int
    code: str


NOWHERE = Place("", 0, "")
"""Where no line is known."""


class Origin(NamedTuple):
    """Where a value comes from: the node of the exported graph and the module that made it."""

    export: str
    """Empty where PyTorch has no such value."""
    module: str
    target: str
    beside: tuple[str, ...] = ()
    """For a body that does the work of several nodes: the others, whose channels follow."""
    signed: str = ""
    """For a sign: the exported node whose sign it is."""
    order: tuple[int, ...] = ()
    """For flattened features: PyTorch's feature at each place; empty where the order is equal."""
    phase: int | None = None
    """Of a transposed convolution's squares: the one pixel that is yielded, where not all are."""
    place: Place = NOWHERE
    """The line of the model's own code that called."""

    def __str__(self) -> str:
        return f"{self.where} ({self.target})"

    @property
    def where(self) -> str:
        """The module's path, in words."""
        return self.module or "the model"


@dataclass(frozen=True, eq=False)
class Node:
    """An operation, the steps that follow it, and the one value that it yields for an image.

    op, inputs, keys and steps are as in `signbit.bitformat.graph.Node`, where a weight is not
    packed: (out, kh, kw, in / groups), int8 ±1 or float64, after rounding float32, or int16 of an
    int16 stem. A step refers to the inputs by place.
    """

    name: str
    """The value's name, by which readers know the node."""
    op: str
    inputs: tuple[str, ...]
    shape: Shape
    origin: Origin
    """Where the value after all steps comes from."""
    keys: dict[str, Any] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    is_sign: bool = False
    """The value holds −1 and +1 only."""
    body: Origin | None = None
    """Where the operation comes from, if more has been fused to it."""
    title: str = ""
    """The name of the operation's own value before that."""

    @property
    def rule(self) -> Operation:
        """Its row in the file's table of operations, or in the compiler's."""
        return RULES[self.op]

    def __getitem__(self, key: str) -> Any:
        """A key's value, or its default; KeyError for a key that the operation does not have."""
        return key_value(self.keys, self.rule, key)

    def has(self, key: str) -> bool:
        """Whether the operation has such a key."""
        return any(each.name == key for each in self.rule.keys)

    @property
    def weight(self) -> npt.NDArray[Any] | None:
        return self.keys.get("weight") if self.op in ("real_conv", "binary_conv") else None

    @property
    def input(self) -> str:
        """The first value read; empty for what a caller gives."""
        return self.inputs[0] if self.inputs else ""

    @property
    def body_origin(self) -> Origin:
        return self.body or self.origin

    @property
    def only_step(self) -> Step | None:
        """The step of a node that does nothing else."""
        return self.steps[0] if self.op == "identity" and len(self.steps) == 1 else None

    @property
    def yields_integers(self) -> bool:
        """Whether the value is the sum of a binary convolution or int16 stem, nothing added yet."""
        int16 = self.weight is not None and self.weight.dtype == np.int16
        return not self.steps and (self.op == "binary_conv" or int16)

    def operand(self, step: Step) -> str:
        """The value that one of the node's steps reads."""
        place: int = step["input"]
        return self.inputs[place]

    @property
    def arity(self) -> int:
        """How many of the inputs the operation itself reads; the others are there for steps."""
        if not self.rule.many:
            return len(self.rule.inputs)
        by_steps = [step["input"] for step in self.steps if "input" in step.keys]
        return min(by_steps, default=len(self.inputs))

    def with_keys(self, **keys: Any) -> Node:
        """The node with these keys in place of its own of the same names."""
        return replace(self, keys=self.keys | keys)

    def then(self, steps: Sequence[Step], inputs: Sequence[str]) -> Node:
        """The node with more steps, whose operands are places among `inputs`.

        What it does not read yet comes behind its own inputs.
        """
        names = list(self.inputs)
        first = self.arity if self.rule.many else 0

        def place(name: str) -> int:
            if name not in names[first:]:
                names.append(name)
            return names.index(name, first)

        added = tuple(
            Step(step.op, {**step.keys, "input": place(inputs[step["input"]])})
            if "input" in step.keys
            else step
            for step in steps
        )
        return replace(self, steps=self.steps + added, inputs=tuple(names))

    def reshaped(self, shape: Shape, export: str = "") -> Node:
        """The node at another size; export: which of PyTorch's values it has then, if any."""
        origin = self.origin._replace(export=export)
        return replace(self, shape=shape, origin=origin, body=self.body_origin)


def refuse(origin: Origin, reason: str, cure: str = "") -> CompileError:
    """The error for what the engine cannot do: module path, op, line, reason, and what works."""
    return CompileError(Refusal(origin.where, origin.target, reason, cure, *origin.place))
