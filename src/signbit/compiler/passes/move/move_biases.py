"""A constant a channel behind an addition moves in front of it.

    (s·x + t + shortcut) + b = s·x + (t + b) + shortcut

Then ReActNet's first bias is in the scale and shift of the batch-norm, and the addition and the
PReLU follow in one epilogue.
"""

from __future__ import annotations

import numpy as np

from signbit.compiler.ir import FloatArray, Graph, Node, is_addition, is_affine

__all__ = ["move_biases"]


def move_biases(graph: Graph) -> None:
    """Onto an operand that only the addition reads and that can take it; in float64."""
    for node in graph:
        if not is_affine(node) or node.scale is None or (node.scale != 1).any():
            continue
        addition = graph[node.input]
        if is_addition(addition) and graph.only_reader(addition.name) is not None:
            operand = _operand(graph, addition)
            if operand is not None:
                assert node.shift is not None
                _add_bias(graph, operand, node.shift)
                graph.update(addition.name, origin=node.origin)
                graph.bypass(node.name)


def _operand(graph: Graph, addition: Node) -> Node | None:
    """The operand that takes a bias, the one with a scale and shift first."""
    shortcut = addition.shortcut
    assert shortcut is not None
    if shortcut.tensor == addition.input:
        return None  # it would count twice
    names = [addition.input]
    if shortcut.stride == (1, 1) and shortcut.offset == 0 and not shortcut.repeat:
        names.append(shortcut.tensor)
    alone = [graph[name] for name in names if graph.only_reader(name) is not None]
    for takes in (_has_affine, _is_convolution):
        for node in alone:
            if takes(node):
                return node
    return None


def _has_affine(node: Node) -> bool:
    return node.parts() == (False, True, False, False, False)


def _is_convolution(node: Node) -> bool:
    return node.op in ("binary_conv", "real_conv") and not any(node.parts())


def _add_bias(graph: Graph, operand: Node, bias: FloatArray) -> None:
    origin = operand.origin._replace(export="")  # PyTorch has the value without the bias
    if operand.shift is not None:
        shift = operand.shift + bias
        graph.update(operand.name, shift=shift, origin=origin, body=operand.body_origin)
        return
    name = graph.unique(f"{operand.name}.bias")
    added = Node(name, "pointwise", operand.name, operand.shape, origin)
    graph.redirect(operand.name, name)
    graph.insert_after(operand.name, added)
    graph.update(name, scale=np.ones_like(bias), shift=bias)
