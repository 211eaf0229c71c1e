"""What is computed twice is computed once: nodes that do the same with the same input.

So convolutions that read the same signs share one sum of them, and two branches one shortcut.
"""

from __future__ import annotations

from typing import Any

from signbit.compiler.ir import INPUTS, Graph, Node, same

__all__ = ["do_the_same", "share_equal"]


def share_equal(graph: Graph) -> None:
    """Let readers of a node take the first one that is equal; in order, so that chains collapse."""
    first: dict[Any, list[Node]] = {}
    for node in graph:
        if node.op in INPUTS:
            continue
        same_kind = first.setdefault((node.op, node.inputs, node.shape), [])
        earlier = next((other for other in same_kind if do_the_same(other, node)), None)
        if earlier is None:
            same_kind.append(node)
        else:
            graph.redirect(node.name, earlier.name)
            graph.remove(node.name)


def do_the_same(left: Node, right: Node) -> bool:
    """Whether two nodes compute the same of the same values."""
    if (left.op, left.inputs, left.shape) != (right.op, right.inputs, right.shape):
        return False
    keys = (key.name for key in left.rule.keys)
    return same(left.steps, right.steps) and all(same(left[key], right[key]) for key in keys)
