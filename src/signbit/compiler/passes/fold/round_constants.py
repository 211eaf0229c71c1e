"""Real constants are rounded to float32, once, after all maths on them is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from signbit.compiler.ir import Graph, Node, Step, constants_of, refuse

__all__ = ["round_constants"]


def round_constants(graph: Graph) -> None:
    """float64 to float32, nearest even. What float32 cannot hold is refused."""
    for node in graph:
        steps = tuple(Step(step.op, _rounded(graph, node, step)) for step in node.steps)
        graph.update(node.name, keys=dict(_rounded(graph, node, node)), steps=steps)


def _rounded(graph: Graph, node: Node, part: Node | Step) -> Mapping[str, Any]:
    """The keys of an operation or a step of the node, reals in float32."""
    keys = dict(part.keys)
    for name, value in constants_of(part):
        if value.dtype.kind != "f":
            continue
        with np.errstate(over="ignore"):
            keys[name] = value.astype(np.float32)
        if not np.isfinite(keys[name]).all():
            error = refuse(node.origin, f"{name} has a value too large for float32")
            graph.refused += error.refusals
            keys[name] = np.zeros_like(keys[name])
    return keys
