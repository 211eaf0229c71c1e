"""A binary layer whose input has the same signs whatever the image says nothing: it is refused."""

from __future__ import annotations

from signbit.compiler.checks.intervals import Interval, intervals
from signbit.compiler.ir import Graph, Node, SignRule
from signbit.errors import Refusal

__all__ = ["require_signs_that_vary"]

_PLAIN = SignRule()


def require_signs_that_vary(graph: Graph) -> None:
    """Refuse each layer that reads signs of which every channel is constant (`graph.refused`).

    graph: as it was traced. The message names the layer, what makes its signs so, and the cure. One
    channel that varies is enough, and a value that some image could reach, trained or not.
    """
    bounds = intervals(graph)
    for node in graph:
        if node.op == "sign" and _is_one_sided(bounds[node.input], SignRule.of(node)):
            layer = _reader(graph, node)
            if layer is not None:
                graph.refused.append(_refusal(layer, _cause(graph, node, bounds)))


def _is_one_sided(value: Interval, rule: SignRule = _PLAIN) -> bool:
    """Whether the sign of every channel is known, as its lowest and its highest value have one."""
    lowest, highest = (rule.negative(bound) for bound in value)
    return bool((lowest == highest).all())


def _reader(graph: Graph, sign: Node) -> Node | None:
    """The first layer with weights that reads a sign as it is or moved; None where none does."""
    for reader in graph.readers(sign.name):
        if reader.weight is not None:
            return reader
        layer = _reader(graph, reader) if reader.is_sign else None
        if layer is not None:
            return layer
    return None


def _cause(graph: Graph, sign: Node, bounds: dict[str, Interval]) -> Node:
    """The first node on the way to a sign whose own input was not yet one-sided.

    It is the comparison itself where that is with something other than 0.
    """
    if sign["level"] is not None:
        return sign
    node = graph[sign.input]
    while True:
        before = [name for name in node.inputs if _is_one_sided(bounds[name])]
        if not before:
            return node
        node = graph[before[0]]


def _refusal(layer: Node, cause: Node) -> Refusal:
    if cause.op == "image":
        why, cure = (
            "pixels are 0 to 255 and the mean is 0, so none is negative",
            "normalise with the mean of the training images",
        )
    elif cause.op == "sign":
        why, cure = (
            f"{cause.origin} compares with a number that its values never pass",
            "take one that lies between them",
        )
    elif cause.op == "identity":
        why, cure = (
            f"{cause.origin} lets nothing negative through, or nothing else",
            "leave it out, put it behind the layer, or take one that keeps the sign (Hardtanh, "
            "RPReLU)",
        )
    elif cause.weight is None and cause.op != "batch_norm":
        why, cure = f"{cause.origin} is never negative", "subtract something from it"
    else:
        why, cure = f"{cause.origin} yields values of one sign, by its parameters", "train it again"
    where = layer.body_origin
    reason = f"every sign of its input is the same for all images: {why}"
    return Refusal(where.where, where.target, reason, cure, *where.place)
