"""What nobody reads is not computed."""

from __future__ import annotations

from signbit.compiler.ir import INPUTS, Graph

__all__ = ["remove_dead"]


def remove_dead(graph: Graph) -> None:
    """Remove, last first, every value but the inputs and the outputs that has no reader."""
    for node in reversed(list(graph)):
        is_needed = node.op in INPUTS or graph.is_output(node.name)
        if not is_needed and not graph.readers(node.name):
            graph.remove(node.name)
