"""What is computed twice is computed once: nodes that do the same with the same input.

So convolutions that read the same signs share one sum of them, and two branches one shortcut.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from signbit.compiler.ir import Graph, Node

__all__ = ["share_equal"]

_OF_ONE_NODE = ("name", "origin", "body", "title", "signed")
_FIELDS = [field.name for field in fields(Node) if field.name not in _OF_ONE_NODE]


def share_equal(graph: Graph) -> None:
    """Let readers of a node take the first one that is equal; in order, so that chains collapse."""
    first: dict[Any, list[Node]] = {}
    for node in graph:
        same_kind = first.setdefault((node.op, node.operands()), [])
        earlier = next((other for other in same_kind if _equal(other, node)), None)
        if earlier is None:
            same_kind.append(node)
        else:
            graph.redirect(node.name, earlier.name)
            graph.remove(node.name)


def _equal(left: Node, right: Node) -> bool:
    return all(_same(getattr(left, name), getattr(right, name)) for name in _FIELDS)


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        return left.dtype == right.dtype and np.array_equal(left, right)
    return type(left) is type(right) and bool(left == right)
