"""Branches of one input that are joined along their channels become one branch.

    cat(f(W1 x), f(W2 x)) = f(cat(W1, W2) x)

ReActNet doubles its width by two 1×1 convolutions of the same signs, each with its own batch-norm,
adds the same shortcut to both and concatenates: that is one convolution with both filters, and a
shortcut whose channels are read again. Filters do not see each other, so nothing is rounded anew.
A value that is joined with itself is a view that repeats its channels. Other values stay joined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from signbit.compiler.ir import (
    Graph,
    Node,
    Step,
    constants_of,
    is_addition,
    is_plain,
    reads,
    same,
)

__all__ = ["merge_branches"]


def merge_branches(graph: Graph) -> None:
    """Replace concatenations of branches; in order, so that one of concatenations is one branch.

    Branches are convolutions without groups of one input with one window, behind each the same
    kinds of steps: constants per channel, an addition of the same value or of two branches, a
    non-linearity. A concatenation of other values stays as it is.
    """
    for node in graph:
        if node.op == "concat":
            _replace(graph, node)


def _replace(graph: Graph, concat: Node) -> None:
    names = concat.inputs
    if len(set(names)) == 1:
        graph.update(concat.name, op="view", inputs=names[:1], keys={"repeat": True})
        return
    before = set(graph.nodes)
    try:
        merged = _Merging(graph, concat).merge(names)
    except _ApartError:
        for name in reversed([name for name in graph.nodes if name not in before]):
            graph.remove(name)
        return
    graph.update(merged, origin=concat.origin)
    graph.redirect(concat.name, merged)
    graph.remove(concat.name)
    for name in names:
        _remove_branch(graph, name)


class _ApartError(Exception):
    """The values that are joined have something that keeps them apart."""


class _Merging:
    """One concatenation. New nodes stand in front of it: all that they read comes before."""

    def __init__(self, graph: Graph, concat: Node) -> None:
        self.graph = graph
        self.concat = concat

    def merge(self, names: Sequence[str]) -> str:
        """The value that holds the channels of all these."""
        if any(self.graph.only_reader(name) is None for name in names):
            raise _ApartError("one of them is read elsewhere too")
        nodes = [self.graph[name] for name in names]
        if all(node.op == "identity" for node in nodes):
            return self.merge_steps(nodes)
        if all(node.weight is not None for node in nodes):
            return self.merge_convolutions(nodes)
        raise _ApartError(" and ".join(f"{node.origin}" for node in nodes))

    def merge_steps(self, nodes: list[Node]) -> str:
        """Behind the merged inputs, the merged step."""
        first = nodes[0]
        if not all(map(is_addition, nodes)):
            if len({(_kind(node), node.inputs[1:]) for node in nodes}) > 1:
                raise _ApartError("their steps are of different kinds")
            return self.add(nodes, inputs=(self.merge([n.input for n in nodes]), *first.inputs[1:]))
        if not all(is_plain(node.steps[0]) for node in nodes):
            raise _ApartError("they add parts of values")
        pairs = [(node.input, node.operand(node.steps[0])) for node in nodes]
        common = set.intersection(*map(set, pairs))
        if len(common) == 1 and all(left != right for left, right in pairs):
            (shared,) = common
            branches = [left if right == shared else right for left, right in pairs]
            repeated = Step("add", {"input": 1, "repeat": "tile"})
            return self.add(nodes, inputs=(self.merge(branches), shared), steps=(repeated,))
        left, right = (self.merge(names) for names in zip(*pairs, strict=True))
        return self.add(nodes, inputs=(left, right), steps=(Step("add", {"input": 1}),))

    def merge_convolutions(self, nodes: list[Node]) -> str:
        first = nodes[0]
        for node in nodes:
            if (node.op, node.input) != (first.op, first.input):
                raise _ApartError("their convolutions read different values")
            windows = all(
                same(node[key.name], first[key.name])
                for key in first.rule.keys
                if key.name != "weight"
            )
            if not windows or node.inputs != first.inputs or node["groups"] != 1:
                raise _ApartError("their convolutions have different windows, or groups")
        # Some have a scale and shift of their own, and some of those one for each pair of tap sets.
        if len({_kind(node) for node in nodes}) > 1:
            raise _ApartError("their convolutions add different parts to their dots")
        weights = [node["weight"] for node in nodes]
        if len({weight.dtype for weight in weights}) > 1:
            raise _ApartError("one of their convolutions has binary weights and another real ones")
        bodies = [node.body_origin for node in nodes]
        _, *beside = (name for body in bodies for name in (body.export, *body.beside))
        body = bodies[0]._replace(beside=tuple(beside))
        keys = first.keys | {"weight": np.concatenate(weights)}
        return self.add(nodes, keys=keys, body=body)

    def add(self, nodes: list[Node], **changes: Any) -> str:
        """A node like the first of these, with all their constants per channel."""
        first = nodes[0]
        operands = [first.operand(step) for step in first.steps if reads(step)]
        if "steps" not in changes and any(self.graph[n].shape.channels > 1 for n in operands):
            raise _ApartError("their steps read values of several channels")
        channels = sum(node.shape.channels for node in nodes)
        steps = zip(*(node.steps for node in nodes), strict=True)
        merged = replace(
            first,
            name=self.graph.unique(f"{first.name}.joined"),
            shape=first.shape._replace(channels=channels),
            origin=first.origin._replace(export=""),
            **({"steps": tuple(map(_joined, steps))} | changes),
        )
        self.graph.insert_before(self.concat.name, merged)
        return merged.name


def _kind(node: Node) -> tuple[Any, ...]:
    """What steps must have in common: all but the values of their constants per channel."""
    return tuple(
        (
            step.op,
            *(step[key.name] for key in step.rule.keys if key.type != "constant"),
            *((name, value.ndim) for name, value in constants_of(step)),
        )
        for step in node.steps
    )


def _joined(steps: Sequence[Step]) -> Step:
    """One step for the channels of all; operands are read again for each."""
    first = steps[0]
    constants = [dict(constants_of(step)) for step in steps]
    values = {name: np.concatenate([each[name] for each in constants], -1) for name in constants[0]}
    return Step(first.op, {**first.keys, **values})


def _remove_branch(graph: Graph, name: str) -> None:
    """Remove what nobody reads any more, from this value backwards."""
    node = graph.nodes.get(name)
    if node is not None and not graph.readers(name):
        graph.remove(name)
        for operand in node.inputs:
            _remove_branch(graph, operand)
