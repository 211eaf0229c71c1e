"""What tests ask of a file's nodes; some of it of the compiler's, too."""

from __future__ import annotations

from collections.abc import Sequence

from signbit.bitformat.graph import Node, Output, Step
from signbit.compiler import ir

__all__ = ["adds_shortcut", "has", "kinds", "pools", "signs", "step", "step_ops", "written"]


def step_ops(node: Node | ir.Node) -> list[str]:
    return [step.op for step in node.steps]


def has(node: Node | ir.Node, op: str) -> bool:
    return op in step_ops(node)


def step(node: Node | ir.Node, op: str) -> Step:
    """The one step of this operation."""
    (found,) = (step for step in node.steps if step.op == op)
    return found


def adds_shortcut(node: Node | ir.Node, repeat: str = "none") -> bool:
    """Whether it adds a tensor as it is, its channels repeated or not."""
    added = [step for step in node.steps if step.op == "add"]
    return any(step["weighted"] is None and step["repeat"] == repeat for step in added)


def pools(node: Node | ir.Node) -> bool:
    """Whether a binary convolution pools its dots."""
    return bool(node["pool_kernel"] != (1, 1))


def kinds(node: Node) -> list[str]:
    """Of its outputs."""
    return [output.kind for output in node.outputs]


def signs(node: Node) -> list[Output]:
    return [output for output in node.outputs if output.kind == "signs"]


def written(nodes: Sequence[Node]) -> dict[str, list[int]]:
    """Name of a node -> the tensors that it writes; the graph has one input."""
    found: dict[str, list[int]] = {}
    number = 1
    for node in nodes:
        found[node.name] = list(range(number, number + len(node.outputs)))
        number += len(node.outputs)
    return found
