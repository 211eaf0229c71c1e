"""Max pooling moves onto the integer dots of a binary convolution.

Every step between the two must be non-decreasing in each channel: then max(f(D)) = f(max(D)), also
after rounding, which is non-decreasing itself.
"""

from __future__ import annotations

from signbit.compiler.ir import Graph, Node, Pool, is_by_channel

__all__ = ["is_non_decreasing", "move_max_pool"]


def move_max_pool(graph: Graph) -> None:
    """Where the pool has no padding and nobody else reads the steps between."""
    for node in graph:
        if node.op == "max_pool" and node.padding == (0, 0):
            steps = _steps(graph, node)
            if steps is not None:
                _move(graph, node, steps)


def _steps(graph: Graph, pool: Node) -> list[Node] | None:
    """From the pool's input back to the convolution, which is last; None where it cannot move."""
    steps = [graph[pool.input]]
    while graph.only_reader(steps[-1].name) is not None:
        step = steps[-1]
        if step.op == "binary_conv":
            return steps if step.yields_integers and step.pool is None else None
        if not is_non_decreasing(step):
            return None
        steps.append(graph[step.input])
    return None


def is_non_decreasing(node: Node) -> bool:
    """Whether a node maps each channel by a function that never falls, of that channel alone."""
    if not is_by_channel(node) or node.activation == "sigmoid":
        return False  # sigmoid is a polynomial, whose roundings promise no order
    slopes = (node.scale, node.slope, node.positive_slope)
    return all(slope is None or bool((slope >= 0).all()) for slope in slopes)


def _move(graph: Graph, pool: Node, steps: list[Node]) -> None:
    *between, conv = steps
    graph.update(conv.name, pool=Pool(pool.kernel, pool.stride), shape=pool.shape)
    for step in steps:  # PyTorch has the values of every pixel
        origin = step.origin._replace(export="")
        graph.update(step.name, shape=pool.shape, origin=origin, body=step.body_origin)
    # What the last step yields now is what PyTorch's pool yields.
    last = between[0] if between else conv
    graph.update(last.name, origin=pool.origin, body=last.body_origin)
    graph.bypass(pool.name)
