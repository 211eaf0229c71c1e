"""An ONNX graph that grows: its nodes and constants, and what it calls the compiler's values.

Values are (N, C, H, W). One of a single pixel is (N, C) where linear layers yield it, and becomes
the other where that is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, helper, numpy_helper

from signbit.compiler.ir import IMAGE, Graph, Node

if TYPE_CHECKING:
    from signbit.exchange.onnx.writing.forms import Form

__all__ = ["INPUT", "Writer"]

INPUT = "images"
"""Name of the ONNX graph's input."""

MAP, VECTOR = 4, 2
"""Dimensions of a value, the batch included."""


class Writer:
    """Nodes in order of execution and constants, which functions of `operations` add to."""

    def __init__(
        self, graph: Graph, form: Form, mean: Sequence[float], std: Sequence[float]
    ) -> None:
        self.graph = graph
        self.form = form
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self.at = INPUT
        """What new nodes are named after: the compiler's value that is being written."""
        self.ranks: dict[str, int] = {}
        """Value of the compiler's → with how many dimensions it was written."""
        self.read_once: set[str] = set()
        """ONNX values that have a reader and may have no other."""
        self._normalisation = mean, std
        self._made: dict[tuple[str, tuple[str, ...]], str] = {}
        self._values: dict[tuple[str, int], str] = {}
        self._names = {INPUT}
        self._known: dict[bytes, str] = {}

    def add(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Append a node; the name of what it yields."""
        name = self._unique(op)
        self.nodes.append(
            helper.make_node(op, list(inputs), [name], name, domain=domain, **attributes)
        )
        return name

    def once(self, op: str, *inputs: str, **attributes: Any) -> str:
        """As `add`, but of the same operation on the same inputs there is one."""
        if (op, inputs) not in self._made:
            self._made[op, inputs] = self.add(op, *inputs, **attributes)
        return self._made[op, inputs]

    def constant(self, array: npt.ArrayLike, kind: type = np.float32) -> str:
        """The name of a constant; equal ones are one."""
        held: npt.NDArray[Any] = np.asarray(array, kind, order="C")
        about = f"{held.dtype} {held.shape} ".encode()
        key = hashlib.sha256(about + held.tobytes()).digest()
        if key not in self._known:
            self._known[key] = self._unique("constant")
            self.constants.append(numpy_helper.from_array(held, self._known[key]))
        return self._known[key]

    def integers(self, *values: int) -> str:
        """A constant list of integers."""
        return self.constant(values, np.int64)

    def per_channel(self, array: npt.NDArray[Any], rank: int = MAP) -> str:
        """A constant (C,), as it is broadcast to a value of this rank."""
        return self.constant(array.reshape(-1, 1, 1) if rank == MAP else array)

    def reshape(self, value: str, *sizes: int) -> str:
        """The value with these sizes, behind the batch's; one of them may be −1."""
        return self.add("Reshape", value, self.integers(0, *sizes))

    def read(self, name: str, rank: int = MAP) -> str:
        """The ONNX value that a value of the compiler's is, with so many dimensions."""
        if (name, rank) not in self._values:
            if name == IMAGE:
                self.put(IMAGE, self._pixels(), MAP)
            elif rank == VECTOR:
                self._values[name, rank] = self.add("Flatten", self._values[name, MAP], axis=1)
            else:
                axes = self.integers(2, 3)
                vector = self._values[name, VECTOR]
                self._values[name, rank] = self.add("Unsqueeze", vector, axes)
        return self._values[name, rank]

    def put(self, name: str, value: str, rank: int) -> None:
        """Say which ONNX value a value of the compiler's is."""
        self._values[name, rank] = value
        self.ranks[name] = rank

    def rank_of(self, node: Node) -> int:
        """The rank of a node that does the same with every value: that of its first input."""
        return self.ranks.get(node.input, MAP)

    def _pixels(self) -> str:
        """Whole pixels of normalised ones."""
        mean, std = (self.constant(np.reshape(each, (-1, 1, 1))) for each in self._normalisation)
        scaled = self.add("Add", self.add("Mul", INPUT, std), mean)
        whole = self.add("Round", self.add("Mul", scaled, self.constant(255)))
        return self.add("Clip", whole, self.constant(0), self.constant(255))

    def _unique(self, op: str) -> str:
        wanted = name = f"{self.at}/{op}"
        number = 2
        while name in self._names:
            name, number = f"{wanted}.{number}", number + 1
        self._names.add(name)
        return name
