"""Scale and shift, shortcut and non-linearity move into the node that yields their input.

An epilogue runs map, affine, shortcut, activation, offset, in this order (docs/format.md), so a
pointwise node fuses where everything it does comes after everything its producer's epilogue does
already. Both sides do the same float32 operations in the same order: the result has the same bits.
A shift with a scale of 1 is an offset too: fma(v, 1, t) = v + t.
"""

from __future__ import annotations

from dataclasses import replace

from signbit.compiler.ir import REMOVED, Graph, Node, Shortcut, is_affine

__all__ = ["fuse_epilogue"]


def fuse_epilogue(graph: Graph) -> None:
    """Fuse every pointwise node that can be, in order of execution."""
    for name in [node.name for node in graph if node.op == "pointwise"]:
        node = graph[name]
        shortcut = node.shortcut
        if shortcut is not None and shortcut == Shortcut(shortcut.tensor):
            node = _convolution_first(graph, node)
        producer = graph[node.input]
        for form in _forms(node):
            if _fits(graph, producer, form):
                _fuse(graph, producer, form)
                break


def _forms(node: Node) -> list[Node]:
    """The node, and where it only adds constants, the same as an offset."""
    if is_affine(node) and node.scale is not None and (node.scale == 1).all():
        return [node, replace(node, scale=None, shift=None, offset=node.shift)]
    return [node]


def _convolution_first(graph: Graph, node: Node) -> Node:
    """a + b = b + a: let the operand that can take the addition be the input."""
    assert node.shortcut is not None
    swapped = replace(
        node, input=node.shortcut.tensor, shortcut=replace(node.shortcut, tensor=node.input)
    )
    producer, other = graph[node.input], graph[swapped.input]
    if other.shape != node.shape or not _fits(graph, other, swapped):
        return node
    later = graph.place(other.name) > graph.place(producer.name)
    if later or not _fits(graph, producer, node):
        graph.nodes[node.name] = swapped
        return swapped
    return node


def _fits(graph: Graph, producer: Node, node: Node) -> bool:
    if producer.op in ("image", "sign", *REMOVED) or producer.is_sign:
        return False
    if producer.name == graph.output:
        return False
    if node.map:
        return False  # `absorb_maps` has moved those that a convolution can take
    first_new = node.parts().index(True)
    if any(producer.parts()[first_new:]):
        return False
    others = [reader for reader in graph.readers(producer.name) if reader.name != node.name]
    if not others:
        return node.shortcut is None or node.shortcut.tensor != producer.name
    # Signs that compare the integer dots do not see the epilogue; everyone else does.
    if not all(_compares_dots(reader) for reader in others):
        return False
    shortcut = node.shortcut
    return shortcut is None or graph.place(shortcut.tensor) < graph.place(producer.name)


def _compares_dots(node: Node) -> bool:
    return node.op == "sign" and node.threshold is not None and node.threshold.dtype.kind == "i"


def _fuse(graph: Graph, producer: Node, node: Node) -> None:
    fused = replace(
        producer,
        name=node.name,
        origin=node.origin,
        body=producer.body_origin,
        title=producer.title or producer.name,
        scale=producer.scale if node.scale is None else node.scale,
        shift=producer.shift if node.shift is None else node.shift,
        shortcut=node.shortcut or producer.shortcut,
        activation=node.activation or producer.activation,
        slope=node.slope if node.activation else producer.slope,
        positive_slope=node.positive_slope if node.activation else producer.positive_slope,
        offset=producer.offset if node.offset is None else node.offset,
    )
    alone = graph.only_reader(producer.name) is not None
    graph.redirect(producer.name, node.name)
    if alone:
        # Behind everything that was computed in between: the shortcut may be among it.
        graph.nodes[node.name] = fused
        del graph.nodes[producer.name]
    else:
        del graph.nodes[node.name]
        graph.insert_before(producer.name, fused)
        del graph.nodes[producer.name]
