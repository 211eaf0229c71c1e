"""Windows over an image: the taps of each, in the order that the format prescribes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from signbit.bitformat.checks import Array
from signbit.bitformat.graph import Node
from signbit.bitformat.shapes import dilation_of, windows

__all__ = ["maximum", "taps"]


def taps(node: Node, x: Array, outside: Array) -> Iterator[tuple[int, int, Array]]:
    """Yield (row, column, x at that tap of every window), rows before columns.

    x: (N, height, width, channels). A tap outside the image reads `outside`, which is one value or
    one per channel. What is yielded is (N, window rows, window columns, channels).
    """
    batch, height, width, channels = x.shape
    top, left, bottom, right = node["padding"]
    (kernel_rows, kernel_columns), stride = node["kernel"], node["stride"]
    dilation, count = dilation_of(node), windows(node, (height, width), node.name)
    rows, columns = np.arange(count[0]) * stride[0], np.arange(count[1]) * stride[1]
    # With `ceil` the last windows may reach past the padding.
    padded_height = max(top + height + bottom, rows[-1] + dilation[0] * (kernel_rows - 1) + 1)
    padded_width = max(left + width + right, columns[-1] + dilation[1] * (kernel_columns - 1) + 1)
    padded = np.empty((batch, padded_height, padded_width, channels), x.dtype)
    padded[...] = outside
    padded[:, top : top + height, left : left + width] = x
    for row in range(kernel_rows):
        for column in range(kernel_columns):
            at_rows, at_columns = rows + row * dilation[0], columns + column * dilation[1]
            yield row, column, padded[:, at_rows[:, None], at_columns]


def maximum(node: Node, x: Array) -> Array:
    """The largest tap inside the image of every window: m is the first, then m < x ? x : m.

    So of equal values (−0.0, +0.0) the first stays, and so does a NaN that comes first.
    """
    inside = np.ones((1, *x.shape[1:3], 1), np.bool_)
    largest, begun = np.zeros(1, x.dtype), np.zeros(1, np.bool_)
    for (_, _, tap), (_, _, is_inside) in zip(
        taps(node, x, np.zeros(1, x.dtype)), taps(node, inside, np.zeros(1, np.bool_)), strict=True
    ):
        largest = np.where(is_inside & (~begun | (largest < tap)), tap, largest)
        begun = begun | is_inside
    return largest
