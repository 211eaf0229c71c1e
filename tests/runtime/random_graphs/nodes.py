"""Nodes of random graphs: how one is drafted and added, and how a graph is closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from tests.runtime.random_graphs.case import Case
from tests.runtime.random_graphs.draws import Array
from tests.runtime.random_graphs.steps import Draft, StepsBuilder, without_defaults

from signbit.bitformat.graph import Graph, GraphInput, GraphOutput, Node, Output, Shape
from signbit.bitformat.shapes import SHAPE_RULES
from signbit.bitformat.table import OPERATIONS
from signbit.bitformat.validate import Tensor


class NodeBuilder(StepsBuilder):
    """Collects inputs and nodes, and makes a case of them."""

    def input(self, kind: str, shape: Shape) -> int:
        number = len(self.inputs)
        assert not self.nodes
        self.inputs.append(GraphInput(f"{kind}{number}" if number else kind, kind, shape))
        self.tensors.append(Tensor(kind, shape))
        self.bounds.append(255.0 if kind == "image" else 8.0)
        return number

    def looked_up(self, shape: Shape) -> int:
        """An image whose pixels have a table; the input's number."""
        number = self.input("image", shape)
        values = self.rng.integers(0, 256, (256, shape[2])).astype(np.uint8)
        self.inputs[number] = replace(self.inputs[number], table=self.constant(values))
        return number

    def draft(
        self,
        op: str,
        sources: Sequence[int],
        bound: float,
        filters: int = 0,
        spread: float | None = None,
        **keys: Any,
    ) -> Draft:
        """A node without steps. bound: of its values."""
        rule = OPERATIONS[op]
        keys = without_defaults(rule, keys)
        inputs = [self.shape(number) for number in sources]
        node = Node("", op, tuple(sources), keys)
        shape = SHAPE_RULES[rule.shape](node, inputs, filters or inputs[0][2], op)
        return Draft(op, list(sources), keys, shape, [bound], len(sources), spread)

    def add(self, draft: Draft, outputs: Sequence[Output]) -> list[int]:
        """Add the node with these outputs."""
        name = f"n{len(self.nodes)}"
        node = Node(
            name, draft.op, tuple(draft.inputs), draft.keys, tuple(draft.steps), tuple(outputs)
        )
        first = len(self.tensors)
        for output in outputs:
            real = output.kind == "real"
            after = -1 if output.after is None else output.after
            self.tensors.append(Tensor("real" if real else "bits", draft.shape))
            self.bounds.append(draft.bounds[after] if real else 1.0)
        self.nodes.append(node)
        return list(range(first, len(self.tensors)))

    def finish(self, draft: Draft) -> list[int]:
        self.draw_steps(draft)
        return self.add(draft, self.draw_outputs(draft))

    def case(self, batch: int, outputs: int = 1) -> Case:
        """Close the graph, which yields the last real tensor, and others, and draw a batch."""
        written = list(range(len(self.inputs), len(self.tensors)))
        numbers = [[n for n in written if self.tensors[n].kind == "real"][-1]]
        numbers += [self.choose(written) for _ in range(outputs - 1)]
        graph = Graph(
            tuple(self.inputs),
            tuple(
                GraphOutput(f"output {index}", number, self.classes(number))
                for index, number in enumerate(numbers)
            ),
            tuple(self.nodes),
            {"made by": "tests"},
            self.any_size,
        )
        case = Case(graph, self.constants, {})
        floats = case.takes_floats and self.flag()
        for number, given in enumerate(self.inputs):
            case.feeds[number] = self.batch(given, batch, floats)
        return case

    def classes(self, number: int) -> tuple[str, ...]:
        channels = self.shape(number)[2]
        return tuple(f"class {index}" for index in range(channels)) if self.flag() else ()

    def batch(self, given: GraphInput, count: int, floats: bool) -> Array:
        shape = (count, *given.shape)
        if given.kind == "real":
            return np.clip(self.rng.standard_normal(shape), -8, 8).astype(np.float32)
        pixels = self.rng.integers(0, 256, shape).astype(np.uint8)
        return (pixels / np.float32(1.7)).astype(np.float32) if floats else pixels
