"""The mean of a window's taps, and of all pixels."""

from __future__ import annotations

import numpy as np

from signbit.bitformat.checks import Array
from signbit.bitformat.graph import Node
from signbit.bitformat.taps import taps_inside
from signbit.runtime.reference.node_run import NodeRun
from signbit.runtime.reference.windows import taps


def _avg_pool(run: NodeRun) -> Array:
    """Taps inside the image added in order from +0.0, divided by how many count.

    A tap outside is a zero here, which leaves the sum as it is: a sum from +0.0 is never −0.0.
    """
    node, x = run.node, run.inputs[0]
    total = np.zeros(1, np.float32)
    for _, _, tap in taps(node, x, np.zeros(1, np.float32)):
        total = total + tap
    rows, columns = (
        _counted(node, axis, x.shape[1 + axis], total.shape[1 + axis]) for axis in (0, 1)
    )
    return total / (rows[:, None] * columns).astype(np.float32)[..., None]


def _counted(node: Node, axis: int, size: int, windows: int) -> Array:
    """How many taps along an axis each window divides by."""
    before, after = node["padding"][axis], node["padding"][axis + 2]
    if node["count_padding"]:  # the padded input is the image, and has no padding of its own
        size, before = before + size + after, 0
    kernel, stride = node["kernel"][axis], node["stride"][axis]
    sets = (taps_inside(size, kernel, window * stride - before, 1) for window in range(windows))
    return np.array([last - first for first, last in sets])


def _global_mean(run: NodeRun) -> Array:
    """Each row summed left to right, the row sums top to bottom, divided by the area."""
    x = run.inputs[0]
    batch, height, width, channels = x.shape
    rows = np.zeros((batch, height, channels), np.float32)
    for column in range(width):
        rows = rows + x[:, :, column]
    total = np.zeros((batch, channels), np.float32)
    for row in range(height):
        total = total + rows[:, row]
    return (total / np.float32(height * width)).reshape(batch, 1, 1, channels)


OPERATIONS = {"avg_pool": _avg_pool, "global_mean": _global_mean}
