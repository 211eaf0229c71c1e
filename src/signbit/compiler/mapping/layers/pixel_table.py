"""A table of a pixel's 256 values as steps that add up to it, exactly.

    T[p] = T[0] + d·p + Σ e_j · clip(p − a_j, 0, n_j)

d is the difference of two neighbours that most of them have. Where others differ by d + e, they do
so from a to a + n. Whole numbers below 2²⁴ are exact in float32, so every sum is. Where nothing
else reads the pixels, a pass puts the table itself in place of the steps.
"""

from __future__ import annotations

from itertools import groupby

import numpy as np
import numpy.typing as npt

from signbit.compiler.ir import MOST_PIECES, Node, PixelValues
from signbit.compiler.mapping.layers.convolution import raw_pixels
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS"]

_EXACT = 1 << 24

Array = npt.NDArray[np.float64]


def _pixel_table(call: Call) -> Node:
    image = raw_pixels(call, call.value("images"), "a table of pixels", "is meant")
    table = call.constant("table")
    if (table != np.rint(table)).any():
        raise call.refuse(
            "has values that are not whole numbers",
            "let the table hold whole ones, and multiply behind it",
        )
    differences = np.diff(table)
    values, counts = np.unique(differences, return_counts=True)
    slope = values[counts.argmax()]
    pieces = _pieces(differences - slope)
    known = PixelValues(table, len(pieces))
    if len(pieces) > MOST_PIECES:
        if not known.fits:
            raise call.refuse(
                f"has {len(pieces)} pieces along which its values rise otherwise than elsewhere",
                f"the engine computes tables of at most {MOST_PIECES}",
            )
        # Something of the same range, until a pass lets the image have the table.
        value = call.step("affine", image, scale=np.ones(len(table)), shift=known.least)
        call.tracer.graph.pixel_tables[value.name] = known
        return value
    largest = np.abs(table[:, 0]) + 255 * np.abs(slope)
    if (largest + sum(np.abs(extra) * size for _, size, extra in pieces) >= _EXACT).any():
        raise call.refuse("has values that are too large", "the engine's are exact below 2^24")
    zero = np.zeros(len(table))
    line = {"scale": np.full(len(table), slope), "shift": table[:, 0]}
    value = call.step("affine", image, part="line" if pieces else None, **line)
    for index, (start, size, extra) in enumerate(pieces):
        is_last = index + 1 == len(pieces)
        moved = call.step("affine", image, part="place", scale=zero + 1, shift=-start)
        piece = call.step("clip", moved, part="piece", low=zero, high=size)
        scaled = call.step("affine", piece, part="slope", scale=extra, shift=zero)
        value = call.step("add", value, scaled, part=None if is_last else "sum")
    call.tracer.graph.pixel_tables[value.name] = known
    return value


def _pieces(extra: Array) -> list[tuple[Array, Array, Array]]:
    """Start, length and extra slope of each piece, for every channel; of extra (channels, 255)."""
    found: list[list[tuple[float, float, float]]] = []
    for row in extra:
        own, at = [], 0
        for slope, same in groupby(row):
            size = len(list(same))
            if slope:
                own.append((float(at), float(size), float(slope)))
            at += size
        found.append(own)
    most = max(map(len, found))
    filled = [own + [(0.0, 0.0, 0.0)] * (most - len(own)) for own in found]
    parts = np.array(filled).reshape(len(found), most, 3)
    return [(part[:, 0], part[:, 1], part[:, 2]) for part in parts.swapaxes(0, 1)]


MAPPINGS = {"signbit.pixel_table.default": _pixel_table}
