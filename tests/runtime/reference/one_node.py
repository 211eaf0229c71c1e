"""Runs one node of the reference on arrays, without writing a graph by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.bitformat import encode
from signbit.bitformat.graph import Graph, GraphInput, GraphOutput, Node, Output, Step
from signbit.runtime.reference import ReferenceEngine

Array = npt.NDArray[Any]

StepRow = tuple[str, Mapping[str, Any]]
"""A step and its keys; where the file has a constant, an array."""

REALS: Sequence[Mapping[str, Any]] = ({"kind": "real"},)
"""Outputs: one, of reals after all steps."""

BITS = np.int8
"""Of ±1, which are fed as bits."""


def run_node(
    op: str,
    *inputs: Array,
    steps: Sequence[StepRow] = (),
    outputs: Sequence[Mapping[str, Any]] = REALS,
    **keys: Any,
) -> Array:
    """What a node makes of these inputs, (N, H, W, C): the tensor of its first output.

    An input is an image in uint8, signs as ±1 in int8, or reals in float32. Where the file has a
    constant, a key of the operation, of a step or of an output holds an array.
    """
    (value,) = run_outputs(op, *inputs, steps=steps, outputs=outputs, **keys)[:1]
    return value


def run_outputs(
    op: str,
    *inputs: Array,
    steps: Sequence[StepRow] = (),
    outputs: Sequence[Mapping[str, Any]] = REALS,
    **keys: Any,
) -> list[Array]:
    """As `run_node`; every tensor that the node writes, signs as bits."""
    engine, feeds, first = engine_of_node(op, *inputs, steps=steps, outputs=outputs, **keys)
    values = engine.run_nodes(feeds, range(first, first + len(outputs)))
    return list(values.values())


def run_dots(op: str, *inputs: Array, **keys: Any) -> Array:
    """As `run_node`; the node's integers."""
    engine, feeds, _ = engine_of_node(op, *inputs, **keys)
    return engine.run_nodes(feeds, ["node#dots"])["node#dots"]


def engine_of_node(
    op: str,
    *inputs: Array,
    steps: Sequence[StepRow] = (),
    outputs: Sequence[Mapping[str, Any]] = REALS,
    **keys: Any,
) -> tuple[ReferenceEngine, dict[int, Array], int]:
    """An engine whose last node, called "node", is this one, its feeds, its first output."""
    constants: dict[str, Array] = {}

    def plain(values: Mapping[str, Any]) -> dict[str, Any]:
        found = dict(values)
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                found[name] = len(constants)
                constants[str(len(constants))] = value
        return found

    given, nodes, numbers, feeds = [], [], [], {}
    for index, x in enumerate(inputs):
        kind = "image" if x.dtype == np.uint8 else "real"
        given.append(GraphInput(f"x{index}", kind, x.shape[1:]))
        number = index
        if x.dtype == BITS:  # fed instead of the signs that a node of this graph could make
            number = len(inputs) + len(nodes)
            nodes.append(Node(f"signs{index}", "identity", (index,), {}, (), (Output("signs"),)))
        numbers.append(number)
        feeds[number] = (x < 0).astype(np.uint8) if x.dtype == BITS else x
    first = len(inputs) + len(nodes)
    rows = tuple(Step(name, plain(values)) for name, values in steps)
    written = tuple(Output(**plain(output)) for output in outputs)
    nodes.append(Node("node", op, tuple(numbers), plain(keys), rows, written))
    graph = Graph(tuple(given), (GraphOutput("y", first),), tuple(nodes))
    return ReferenceEngine(encode(graph, constants)), feeds, first
