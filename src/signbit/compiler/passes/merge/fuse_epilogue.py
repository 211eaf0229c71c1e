"""Steps that stand alone are appended to the node that yields their input.

    g(f(x)) = (g ∘ f)(x)

Both sides do the same float32 operations in the same order: the result has the same bits.

The engine fuses chains of the usual steps in one order: multiply by a map, affine, weighted
addition, addition, activation, offset. A step of these that would come too late for it starts a
node of its own, which is such a chain again. A chain with any other step runs step by step; it
takes whatever follows.

A shift with a scale of 1 is an offset too: fma(v, 1, t) = v + t.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from signbit.bitformat.activations import ACTIVATIONS
from signbit.compiler.ir import (
    OWN_OPERATIONS,
    Graph,
    Node,
    Step,
    is_addition,
    is_affine,
    is_plain,
    reads,
)

__all__ = ["fuse_epilogue"]

_FUSED_ACTIVATIONS = ("relu", "hardtanh", "prelu", "maxout", "sigmoid")
_ORDER = ("multiply", "affine", "weighted add", "add", "activation", "offset")


def fuse_epilogue(graph: Graph) -> None:
    """Append every node of steps alone that can be, in order of execution."""
    for name in [node.name for node in graph if node.op == "identity"]:
        node = graph[name]
        if is_addition(node) and is_plain(node.steps[0]):
            node = _convolution_first(graph, node)
        writer = graph[node.input]
        for form in _forms(node):
            if _fits(graph, writer, form):
                _fuse(graph, writer, form)
                break


def _forms(node: Node) -> list[Node]:
    """The node, and where it only adds constants, the same as an offset."""
    if is_affine(node) and (node.steps[0]["scale"] == 1).all():
        offset = Step("offset", {"value": node.steps[0]["shift"]})
        return [node, replace(node, steps=(offset,))]
    return [node]


def _convolution_first(graph: Graph, node: Node) -> Node:
    """a + b = b + a: let the operand that can take the addition be the input."""
    (step,) = node.steps
    first, second = node.input, node.operand(step)
    swapped = replace(node, inputs=(second, first), steps=(Step("add", {"input": 1}),))
    writer, other = graph[first], graph[second]
    if other.shape != node.shape or not _fits(graph, other, swapped):
        return node
    later = graph.place(other.name) > graph.place(writer.name)
    if later or not _fits(graph, writer, node):
        return graph.put(swapped)
    return node


def _fits(graph: Graph, writer: Node, node: Node) -> bool:
    """Whether a writer can take a node's steps."""
    if writer.op in OWN_OPERATIONS or writer.is_sign or graph.is_output(writer.name):
        return False
    if not _continues(writer.steps, node.steps):
        return False
    operands = [node.operand(step) for step in node.steps if reads(step)]
    others = [reader for reader in graph.readers(writer.name) if reader.name != node.name]
    if not others:
        return writer.name not in operands
    # Signs that compare the integer dots do not see the steps; everyone else does.
    if not all(_compares_dots(reader) for reader in others):
        return False
    return all(graph.place(name) < graph.place(writer.name) for name in operands)


def _continues(before: Sequence[Step], after: Sequence[Step]) -> bool:
    """Whether the engine may as well run the steps as one chain."""
    stages = [_stage(step) for step in (*before, *after)]
    known = [_ORDER.index(stage) for stage in stages if stage]
    if _stage(after[0]) == "multiply":
        return False  # `absorb_maps` has moved those that a convolution can take
    return len(known) < len(stages) or sorted(set(known)) == known


def _stage(step: Step) -> str:
    """The step's stage in the order in which the engine fuses; empty where it does not fuse it."""
    if step.op == "multiply":
        return "multiply" if (step["every"], step["repeat"]) == ((1, 1), "tile") else ""
    if step.op == "add" and step["weighted"] is not None:
        return "weighted add"
    if step.op in ACTIVATIONS:
        return "activation" if step.op in _FUSED_ACTIVATIONS else ""
    return step.op if step.op in _ORDER else ""


def _compares_dots(node: Node) -> bool:
    if node.op != "sign" or node["threshold"] is None:
        return False
    return bool(node["threshold"].dtype.kind == "i")


def _fuse(graph: Graph, writer: Node, node: Node) -> None:
    fused = replace(
        writer.then(node.steps, node.inputs),
        name=node.name,
        origin=node.origin,
        body=writer.body_origin,
        title=writer.title or writer.name,
    )
    alone = graph.only_reader(writer.name) is not None
    graph.redirect(writer.name, node.name)
    if alone:
        # Behind everything that was computed in between: an operand may be among it.
        graph.put(fused)
        del graph.nodes[writer.name]
    else:
        del graph.nodes[node.name]
        graph.insert_before(writer.name, fused)
        del graph.nodes[writer.name]
