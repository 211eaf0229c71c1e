"""Branches of one input that are joined along their channels become one branch.

ReActNet doubles its width by two 1×1 convolutions of the same signs, each with its own batch-norm,
adds the same shortcut to both and concatenates: that is one convolution with both filters, and a
shortcut whose channels are read again. Filters do not see each other, so nothing is rounded anew.
A value that is joined with itself is a view that repeats its channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from signbit.compiler.ir import Graph, Node, Shortcut, is_addition, refuse

__all__ = ["merge_branches"]

_PER_CHANNEL = ("scale", "shift", "slope", "positive_slope", "sums_scale")
_WINDOW = ("kernel", "stride", "padding", "dilation", "map", "sums", "pool")
_ACROSS = "joins values that are not branches of one input, all of the same steps"


def merge_branches(graph: Graph) -> None:
    """Replace every concatenation; in order, so that one of concatenations becomes one branch.

    Branches are convolutions without groups of one input with one window, behind each the same
    kinds of steps: constants a channel, an addition of the same value or of two branches, a
    non-linearity. Raises CompileError for another concatenation.
    """
    for node in graph:
        if node.op == "concat":
            _replace(graph, node)


def _replace(graph: Graph, concat: Node) -> None:
    names = (concat.input, *concat.others)
    if len(set(names)) == 1:
        graph.nodes[concat.name] = replace(concat, op="view", others=(), repeat=True)
        return
    merged = _Merging(graph, concat).merge(names)
    graph.update(merged, origin=concat.origin)
    graph.redirect(concat.name, merged)
    graph.remove(concat.name)
    for name in names:
        _remove_branch(graph, name)


class _Merging:
    """One concatenation. New nodes stand in front of it: all that they read comes before."""

    def __init__(self, graph: Graph, concat: Node) -> None:
        self.graph = graph
        self.concat = concat

    def merge(self, names: Sequence[str]) -> str:
        """The value that holds the channels of all these."""
        if any(self.graph.only_reader(name) is None for name in names):
            raise self.refuse("one of them is read elsewhere too")
        nodes = [self.graph[name] for name in names]
        if all(node.op == "pointwise" for node in nodes):
            return self.merge_steps(nodes)
        if all(node.op in ("binary_conv", "real_conv") for node in nodes):
            return self.merge_convolutions(nodes)
        raise self.refuse(" and ".join(f"{node.origin}" for node in nodes))

    def merge_steps(self, nodes: list[Node]) -> str:
        """Behind the merged inputs, the merged step."""
        first = nodes[0]
        kinds = {(node.parts(), node.activation, node.map) for node in nodes}
        if len(kinds) > 1:
            raise self.refuse("their steps are of different kinds")
        if not is_addition(first):
            return self.add(nodes, input=self.merge([node.input for node in nodes]))
        if not all(node.shortcut == Shortcut(node.operands()[1]) for node in nodes):
            raise self.refuse("they add parts of values")
        operands = [set(node.operands()) for node in nodes]
        common = set.intersection(*operands)
        if len(common) == 1 and all(len(both) == 2 for both in operands):
            (shared,) = common
            branches = [next(name for name in n.operands() if name != shared) for n in nodes]
            shortcut = Shortcut(shared, repeat=True)
            return self.add(nodes, input=self.merge(branches), shortcut=shortcut)
        left, right = zip(*(node.operands() for node in nodes), strict=True)
        return self.add(nodes, input=self.merge(left), shortcut=Shortcut(self.merge(right)))

    def merge_convolutions(self, nodes: list[Node]) -> str:
        first = nodes[0]
        for node in nodes:
            if (node.op, node.input) != (first.op, first.input):
                raise self.refuse("their convolutions read different values")
            same = all(getattr(node, name) == getattr(first, name) for name in _WINDOW)
            if not same or node.groups != 1 or not _equal(node.pad_value, first.pad_value):
                raise self.refuse("their convolutions have different windows, or groups")
        # Some have a scale and shift of their own, and some of those one for each pair of tap sets.
        kinds = {(node.parts(), None if node.shift is None else node.shift.ndim) for node in nodes}
        if len(kinds) > 1:
            raise self.refuse("their convolutions add different parts to their dots")
        weights = [node.weight for node in nodes if node.weight is not None]
        if len({weight.dtype for weight in weights}) > 1:
            raise self.refuse("one of their convolutions has binary weights and another real ones")
        bodies = [node.body_origin for node in nodes]
        _, *beside = (name for body in bodies for name in (body.export, *body.beside))
        body = bodies[0]._replace(beside=tuple(beside))
        return self.add(nodes, weight=np.concatenate(weights), body=body)

    def add(self, nodes: list[Node], **changes: Any) -> str:
        """A node like the first of these, with all their constants a channel."""
        first = nodes[0]
        for field in _PER_CHANNEL:
            values = [getattr(node, field) for node in nodes]
            if values[0] is not None:
                changes[field] = np.concatenate(values, axis=-1)
        channels = sum(node.shape.channels for node in nodes)
        merged = replace(
            first,
            name=self.graph.unique(f"{first.name}.joined"),
            shape=first.shape._replace(channels=channels),
            origin=first.origin._replace(export=""),
            **changes,
        )
        self.graph.insert_before(self.concat.name, merged)
        return merged.name

    def refuse(self, reason: str) -> Exception:
        return refuse(self.concat.origin, f"{_ACROSS}: {reason}")


def _equal(left: Any, right: Any) -> bool:
    return (left is None and right is None) or np.array_equal(left, right)


def _remove_branch(graph: Graph, name: str) -> None:
    """Remove what nobody reads any more, from this value backwards."""
    node = graph.nodes.get(name)
    if node is not None and not graph.readers(name):
        graph.remove(name)
        for operand in node.operands():
            _remove_branch(graph, operand)
