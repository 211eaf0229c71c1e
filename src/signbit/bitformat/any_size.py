"""A graph at another height and width of its images, which a file of any size allows."""

from __future__ import annotations

from dataclasses import replace

from signbit.bitformat.graph import Graph, Pair
from signbit.errors import InputError

__all__ = ["at_size"]


def at_size(graph: Graph, size: Pair) -> Graph:
    """The graph with its images of this height and width; validate.py checks that they fit.

    Raises InputError where the file was compiled for one size.
    """
    if not graph.any_size:
        raise InputError(
            "input_size: the file was compiled for one size of images; compile it with --any-size"
        )
    return replace(
        graph,
        inputs=tuple(
            replace(given, shape=(*size, given.shape[2])) if given.kind == "image" else given
            for given in graph.inputs
        ),
    )
