"""A table of pixels becomes the image's own, where nothing else reads the pixels.

    T[p] = u[p] + least        u whole numbers of 0 to 255

The file's image has u, and the shift moves into the convolution behind it. A sign that one pixel
decides is compared with the pixel itself, so then the steps stay that add up to the table.
"""

from __future__ import annotations

import numpy as np

from signbit.bitformat.int16_stem import MAX_PIXEL
from signbit.compiler.ir import MOST_PIECES, Graph, PixelValues, Step, refuse

__all__ = ["look_up_pixels"]


def look_up_pixels(graph: Graph) -> None:
    """Look up what fits; refuse a table that does not and has too many steps."""
    for name, table in graph.pixel_tables.items():
        if name not in graph:
            continue
        if table.fits and _is_alone(graph, name):
            _look_up(graph, name, table)
        elif table.pieces > MOST_PIECES:
            error = refuse(
                graph[name].origin,
                f"has {table.pieces} pieces along which its values rise otherwise than elsewhere",
                f"the engine computes tables of at most {MOST_PIECES}; it looks others up where "
                f"values of a channel are at most {MAX_PIXEL} apart, nothing else reads the pixels "
                "and no sign is of one pixel alone",
            )
            graph.refused += error.refusals


def _is_alone(graph: Graph, name: str) -> bool:
    """Whether everything that the pixels become is made of this value."""
    if any(node.op == "sign" and node["pixel_signs"] is not None for node in graph):
        return False
    before = {name}
    for node in reversed(list(graph)):
        if node.name in before:
            before.update(node.inputs)
    inner = before - {name}
    return not any(graph.is_output(each) for each in inner) and all(
        reader.name in before for each in inner for reader in graph.readers(each)
    )


def _look_up(graph: Graph, name: str, table: PixelValues) -> None:
    values = (table.values - table.least[:, None]).T
    image = name
    while graph[image].inputs:
        image = graph[image].input
    graph.update(image, keys={"table": np.ascontiguousarray(values, np.uint8)})
    line = Step("affine", {"scale": np.ones(len(table.least)), "shift": table.least})
    graph.update(name, inputs=(image,), steps=(line,))
