"""Flattened features in the file's order: row, column, channel, where PyTorch has channel first.

    w·x = w[p]·x[p]        f(x)[p] = f[p](x[p])

for any order p of the features: what is constant per feature is put into the file's order.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.compiler.ir import Graph, Node, Shape, Step, constants_of, reads, refuse
from signbit.compiler.passes.merge.absorb_flatten import NO_MAP
from signbit.errors import CompileError

__all__ = ["order_features"]

Order = npt.NDArray[np.intp]
"""PyTorch's feature at each place."""

_IN_PLACE = (
    *("avg_pool", "global_max", "global_mean", "identity", "l2_normalise", "max_pool"),
    *("sign", "softmax", "upsample"),
)
"""Operations that leave a feature where it is."""


def order_features(graph: Graph) -> None:
    """Let the file flatten what `absorb_flatten` has left, and order what is computed of it.

    Refused is what reads features in different orders, takes some that do not lie side by side in
    the file, or yields them as the network's result.
    """
    orders: dict[str, Order] = {}
    lost: set[str] = set()  # in no order that is known, since something was refused
    for node in graph:
        if any(name in lost for name in node.inputs):
            lost.add(node.name)
            continue
        try:
            node, order = _ordered(graph, node, orders)
        except CompileError as error:
            graph.refused += error.refusals if node.op != "unknown" else ()
            lost.add(node.name)
            continue
        if order is not None and (order[1:] < order[:-1]).any():
            orders[node.name] = order
            node = replace(node, origin=node.origin._replace(order=tuple(order.tolist())))
        graph.put(node)
    for name in dict.fromkeys(graph.outputs.values()):
        if name in orders:
            reason = "the network must end in one value per class, this is a map"
            graph.refused += refuse(graph[name].origin, reason, NO_MAP).refusals


def _ordered(graph: Graph, node: Node, orders: dict[str, Order]) -> tuple[Node, Order | None]:
    """The node as the file has it, and the order of its features if it yields some."""
    if node.op == "flatten_chw":
        return replace(node, op="flatten"), _flattened(graph[node.input].shape)
    if not any(name in orders for name in node.inputs):
        return node, None
    if node.rule.reads in ("taps", "channels", "products"):
        return _summed(node, orders), None
    if node.op == "concat":
        return node, _joined(graph, node, orders)
    if node.op == "view":
        return node, _viewed(node, orders[node.input])
    if node.op == "slice":
        return _cut(node, orders[node.input])
    if node.op in _IN_PLACE:
        order = _common(graph, node, orders)
        return _with_constants(node, order), order
    raise _unordered(node, f"is {node.op} of flattened features")


def _flattened(shape: Shape) -> Order:
    height, width, channels = shape
    places = np.arange(channels * height * width).reshape(channels, height, width)
    return places.transpose(1, 2, 0).reshape(-1)


def _summed(node: Node, orders: dict[str, Order]) -> Node:
    """A node whose sums run over all features."""
    if node.input not in orders or any(name in orders for name in node.inputs[1:]):
        raise _unordered(node, "adds flattened features to others")
    if node.has("groups") and node["groups"] > 1:
        raise _unordered(node, "has groups of flattened features")
    if node.weight is None:
        return node
    return node.with_keys(weight=node.weight[..., orders[node.input]])


def _joined(graph: Graph, node: Node, orders: dict[str, Order]) -> Order:
    """The order of each input, behind the orders of those before it."""
    parts, first = [], 0
    for name in node.inputs[: node.arity]:
        features = np.arange(graph[name].shape.channels)
        parts.append(orders.get(name, features) + first)
        first += len(features)
    return np.concatenate(parts)


def _viewed(node: Node, order: Order) -> Order:
    """The order of features that are repeated, or that lie between zeros."""
    if node["repeat"]:
        copies = range(0, node.shape.channels, len(order))
        return np.concatenate([order + first for first in copies])
    every = np.arange(node.shape.channels)
    every[node["zeros"] : node["zeros"] + len(order)] = order + node["zeros"]
    return every


def _cut(node: Node, order: Order) -> tuple[Node, Order]:
    """The places of the features that a slice takes, which must lie side by side."""
    first, last = node["first"], node["first"] + node["count"]
    places = np.flatnonzero((order >= first) & (order < last))
    if places[-1] - places[0] != len(places) - 1:
        raise _unordered(node, "takes features that do not lie side by side in the file")
    start = int(places[0])
    return node.with_keys(first=start), order[places] - first


def _common(graph: Graph, node: Node, orders: dict[str, Order]) -> Order:
    """The order of all that a node reads, but for one value that meets all features."""
    features = np.arange(node.shape.channels)
    found = [orders.get(node.input, features)]
    for step in node.steps:
        if reads(step) and graph[node.operand(step)].shape.channels > 1:
            if step["offset"] or step["repeat"] != "none":
                raise _unordered(node, "reads some of flattened features")
            found.append(orders.get(node.operand(step), features))
    if any(not np.array_equal(order, found[0]) for order in found):
        raise _unordered(node, "combines flattened features with a vector in another order")
    return found[0]


def _with_constants(node: Node, order: Order) -> Node:
    """The node with its constants per feature in the file's order."""

    def ordered(part: Node | Step) -> dict[str, Any]:
        keys = dict(part.keys)
        for name, values in constants_of(part):
            if name == "pixel_signs":  # one for each channel of the map, where features are alike
                values = values.repeat(len(order) // len(values), axis=0)
            keys[name] = values[order] if len(values) == len(order) else values
        return keys

    steps = tuple(Step(step.op, ordered(step)) for step in node.steps)
    return replace(node, keys=ordered(node), steps=steps)


def _unordered(node: Node, what: str) -> CompileError:
    return refuse(
        node.origin,
        f"{what}, which the file has in the order row, column, channel",
        "pool the map to one pixel first, or put a linear layer in between",
    )
