"""What nobody reads is not computed."""

from __future__ import annotations

from signbit.compiler.ir import Graph

__all__ = ["remove_dead"]


def remove_dead(graph: Graph) -> None:
    """Remove, last first, every value but the image and the output that has no reader."""
    for node in reversed(list(graph)):
        if node.op != "image" and node.name != graph.output and not graph.readers(node.name):
            graph.remove(node.name)
