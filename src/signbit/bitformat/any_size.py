"""A graph at another height and width of its image, which a file of any size allows."""

from __future__ import annotations

from dataclasses import replace

from signbit.bitformat.graph import Graph, Pair
from signbit.errors import InputError

__all__ = ["at_size"]


def at_size(graph: Graph, size: Pair) -> Graph:
    """The graph with an image of this height and width; validate.py checks that it fits.

    Raises InputError where the graph has not exactly one image, or where the size differs from the
    file's own and the file was not compiled for any size.
    """
    images = [given for given in graph.inputs if given.kind == "image"]
    if len(images) != 1:
        raise InputError(f"input_size: goes with a file of one image, this one has {len(images)}")
    (image,) = images
    if size == image.shape[:2]:
        return graph
    if not graph.any_size:
        height, width, _ = image.shape
        raise InputError(
            f"input_size: the file is for images of {height} × {width}, not {size[0]} × {size[1]}; "
            "compile it with --any-size"
        )
    resized = replace(image, shape=(*size, image.shape[2]))
    return replace(
        graph, inputs=tuple(resized if given is image else given for given in graph.inputs)
    )
