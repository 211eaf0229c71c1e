"""A constant per channel behind an addition moves in front of it.

    (s·x + t + shortcut) + b = s·x + (t + b) + shortcut

Then ReActNet's first bias is in the scale and shift of the batch-norm, and the addition and the
PReLU follow as steps of one node.
"""

from __future__ import annotations

import numpy as np

from signbit.compiler.ir import (
    FloatArray,
    Graph,
    Node,
    Step,
    is_addition,
    is_affine,
    is_linear,
    is_plain,
)

__all__ = ["move_biases"]


def move_biases(graph: Graph) -> None:
    """Onto an operand that only the addition reads and that can take it; in float64."""
    for node in graph:
        if not is_affine(node) or (node.steps[0]["scale"] != 1).any():
            continue
        addition = graph[node.input]
        if is_addition(addition) and graph.only_reader(addition.name) is not None:
            operand = _operand(graph, addition)
            if operand is not None:
                _add_bias(graph, operand, node.steps[0]["shift"])
                graph.update(addition.name, origin=node.origin)
                graph.bypass(node.name)


def _operand(graph: Graph, addition: Node) -> Node | None:
    """The operand that takes a bias, the one with a scale and shift first."""
    (step,) = addition.steps
    left, right = addition.input, addition.operand(step)
    if left == right:
        return None  # it would count twice
    names = [left, right] if is_plain(step) else [left]
    alone = [graph[name] for name in names if graph.only_reader(name) is not None]
    for takes in (is_linear, _is_convolution):
        for node in alone:
            if takes(node):
                return node
    return None


def _is_convolution(node: Node) -> bool:
    return node.weight is not None and not node.steps


def _add_bias(graph: Graph, operand: Node, bias: FloatArray) -> None:
    origin = operand.origin._replace(export="")  # PyTorch has the value without the bias
    if operand.steps:
        affine, *others = operand.steps
        moved = Step("affine", {**affine.keys, "shift": affine["shift"] + bias})
        steps = (moved, *others)
        graph.update(operand.name, steps=steps, origin=origin, body=operand.body_origin)
        return
    added = Step("affine", {"scale": np.ones_like(bias), "shift": bias})
    name = graph.unique(f"{operand.name}.bias")
    graph.insert_behind(
        Node(name, "identity", (operand.name,), operand.shape, origin, {}, (added,))
    )
