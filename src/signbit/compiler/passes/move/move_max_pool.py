"""Max pooling moves onto the integer dots of a binary convolution.

    max(f(D)) = f(max(D))

where every step of f is non-decreasing in each channel; also after rounding, which is
non-decreasing itself.
"""

from __future__ import annotations

from signbit.compiler.ir import Graph, Node, constants_of, is_by_channel, is_pooled
from signbit.compiler.passes.signs.step_values import MONOTONE

__all__ = ["is_non_decreasing", "move_max_pool"]


def move_max_pool(graph: Graph) -> None:
    """Where the pool has whole windows only and nobody else reads the steps between."""
    for node in graph:
        if node.op == "max_pool" and not node.steps and _has_whole_windows(node):
            nodes = _nodes(graph, node)
            if nodes is not None:
                _move(graph, node, nodes)


def _has_whole_windows(pool: Node) -> bool:
    return pool["padding"] == (0, 0, 0, 0) and pool["dilation"] == (1, 1) and not pool["ceil"]


def _nodes(graph: Graph, pool: Node) -> list[Node] | None:
    """From the pool's input back to the convolution, which is last; None where it cannot move."""
    nodes = [graph[pool.input]]
    while graph.only_reader(nodes[-1].name) is not None:
        node = nodes[-1]
        if node.op == "binary_conv":
            return nodes if node.yields_integers and not is_pooled(node) else None
        if not is_non_decreasing(node):
            return None
        nodes.append(graph[node.input])
    return None


def is_non_decreasing(node: Node) -> bool:
    """Whether a node maps each channel by a function that never falls, of that channel alone."""
    if not is_by_channel(node) or any(step.op not in MONOTONE for step in node.steps):
        return False
    return all(
        bool((value >= 0).all())
        for step in node.steps
        for name, value in constants_of(step)
        if name in ("scale", "slope", "positive_slope")
    )


def _move(graph: Graph, pool: Node, nodes: list[Node]) -> None:
    for node in nodes:  # PyTorch has the values of every pixel
        graph.put(node.reshaped(pool.shape))
    conv = graph[nodes[-1].name]
    graph.put(conv.with_keys(pool_kernel=pool["kernel"], pool_stride=pool["stride"]))
    # What the last step yields now is what PyTorch's pool yields.
    graph.update(nodes[0].name, origin=pool.origin)
    graph.bypass(pool.name)
