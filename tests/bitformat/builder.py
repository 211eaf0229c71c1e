"""A graph put together node by node: tensors and constants are numbered as they come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.bitformat import pack_bits
from signbit.bitformat.graph import Graph, GraphInput, GraphOutput, Node, Output, Step

Array = npt.NDArray[Any]
Constants = dict[str, Array]
Sample = tuple[Graph, Constants]

REAL = Output()


class Builder:
    """Collects inputs, constants, nodes and outputs; every method returns numbers of tensors."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.constants: Constants = {}
        self.inputs: list[GraphInput] = []
        self.outputs: list[GraphOutput] = []
        self.nodes: list[Node] = []
        self.count = 0

    def input(self, name: str, kind: str, *shape: int, **fields: Any) -> int:
        """An input of the graph; all of them come before the first node."""
        height, width, channels = shape
        self.inputs.append(GraphInput(name, kind, (height, width, channels), **fields))
        self.count += 1
        return self.count - 1

    def node(
        self,
        name: str,
        op: str,
        inputs: tuple[int, ...],
        *steps: Step,
        outputs: tuple[Output, ...] = (REAL,),
        **keys: Any,
    ) -> Any:
        """A node; returns the number of the tensor that it writes, or all of several."""
        self.nodes.append(Node(name, op, inputs, keys, steps, outputs))
        numbers = range(self.count, self.count + len(outputs))
        self.count += len(outputs)
        return numbers[0] if len(outputs) == 1 else tuple(numbers)

    def output(self, name: str, tensor: int, *classes: str, confidence: int | None = None) -> None:
        """An output of the graph."""
        self.outputs.append(GraphOutput(name, tensor, classes, confidence))

    def constant(self, array: Array) -> int:
        """A tensor of the file."""
        self.constants[str(len(self.constants))] = array
        return len(self.constants) - 1

    def numbered(self, keys: Mapping[str, Any]) -> dict[str, Any]:
        """Keys whose arrays are tensors of the file now."""
        return {
            name: self.constant(value) if isinstance(value, np.ndarray) else value
            for name, value in keys.items()
        }

    def floats(self, *shape: int) -> int:
        return self.constant(self.rng.standard_normal(shape).astype(np.float32))

    def integers(self, dtype: Any, least: int, most: int, *shape: int) -> int:
        return self.constant(self.rng.integers(least, most + 1, shape).astype(dtype))

    def flip(self, channels: int) -> int:
        return self.integers(np.uint8, 0, 1, channels)

    def filters(self, count: int, taps: int) -> int:
        """Packed signs of so many filters of so many taps."""
        return self.constant(pack_bits(self.rng.random((count, taps)) < 0.5))

    def sample(self, **fields: Any) -> Sample:
        """The graph and its constants."""
        graph = Graph(tuple(self.inputs), tuple(self.outputs), tuple(self.nodes), **fields)
        return graph, self.constants
