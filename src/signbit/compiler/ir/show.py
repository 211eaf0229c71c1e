"""The compiler's graph as text: one line per value."""

from __future__ import annotations

from typing import Any

import numpy as np

from signbit.bitformat.graph import Step
from signbit.compiler.ir.graph import Graph
from signbit.compiler.ir.node import Node

__all__ = ["line", "text"]


def text(graph: Graph) -> str:
    """A line for each node, in order; `>` marks an output."""
    return "\n".join(f"{'>' if graph.is_output(node.name) else ' '} {line(node)}" for node in graph)


def line(node: Node) -> str:
    """Name, shape, operation with its inputs and keys, then the steps.

    An array shows as its dtype and shape, an operand as the value's name.
    """
    height, width, channels = node.shape
    kind = " signs" if node.is_sign else ""
    parts = [f"{node.op}({', '.join(node.inputs[: node.arity])}{_keys(node.keys)})"]
    parts += [_step(node, step) for step in node.steps]
    return f"{node.name}: {height}×{width}×{channels}{kind} = {' → '.join(parts)}"


def _step(node: Node, step: Step) -> str:
    keys = dict(step.keys)
    place = keys.pop("input", None)
    operand = "" if place is None else node.inputs[place]
    shown = f"{operand}{_keys(keys)}".removeprefix("; ")
    return f"{step.op} {shown}".rstrip()


def _keys(keys: dict[str, Any]) -> str:
    shown = [f"{name}={_value(value)}" for name, value in keys.items() if value is not None]
    return "; " + ", ".join(shown) if shown else ""


def _value(value: Any) -> str:
    if isinstance(value, np.ndarray):
        if value.size and (value == value.flat[0]).all() and value.dtype.kind != "b":
            return f"{value.flat[0]:.6g}"
        return f"{value.dtype}[{'×'.join(map(str, value.shape))}]"
    if isinstance(value, tuple):
        return "(" + " ".join(map(_inner, value)) + ")"
    return f"{value}"


def _inner(value: Any) -> str:
    return value.op if isinstance(value, Step) else str(value)
