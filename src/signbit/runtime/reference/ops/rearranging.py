"""The operations that move values and round nothing."""

from __future__ import annotations

import numpy as np

from signbit.bitformat.checks import Array
from signbit.runtime.reference.node_run import NodeRun


def _identity(run: NodeRun) -> Array:
    """A pixel becomes float32; a real, or a sign as ±1, stays what it is."""
    return run.inputs[0].astype(np.float32)


def _flatten(run: NodeRun) -> Array:
    x = run.inputs[0]
    batch, height, width, channels = x.shape
    return x.reshape(batch, 1, 1, height * width * channels)


def _concat(run: NodeRun) -> Array:
    return np.concatenate(run.inputs, axis=3)


def _slice(run: NodeRun) -> Array:
    first, count = run.node["first"], run.node["count"]
    return run.inputs[0][..., first : first + count]


def _upsample(run: NodeRun) -> Array:
    """Pixel (y, x) is the input's (y div rows, x div columns)."""
    rows, columns = run.node["factor"]
    return run.inputs[0].repeat(rows, axis=1).repeat(columns, axis=2)


def _space_to_depth(run: NodeRun) -> Array:
    """Channel c·b² + dy·b + dx of (y, x) is channel c of (y·b + dy, x·b + dx)."""
    x, b = run.inputs[0], run.node["block"]
    batch, height, width, channels = x.shape
    squares = x.reshape(batch, height // b, b, width // b, b, channels)
    ordered = squares.transpose(0, 1, 3, 5, 2, 4)  # y, x, c, dy, dx
    return ordered.reshape(batch, height // b, width // b, channels * b * b)


def _depth_to_space(run: NodeRun) -> Array:
    """The inverse of space_to_depth."""
    x, b = run.inputs[0], run.node["block"]
    batch, height, width, channels = x.shape
    squares = x.reshape(batch, height, width, channels // (b * b), b, b)
    ordered = squares.transpose(0, 1, 4, 2, 5, 3)  # y, dy, x, dx, c
    return ordered.reshape(batch, height * b, width * b, channels // (b * b))


def _channel_shuffle(run: NodeRun) -> Array:
    """Channel c is the input's (c mod groups)·n + c div groups, of groups of n channels."""
    x, groups = run.inputs[0], run.node["groups"]
    by_group = x.reshape(*x.shape[:3], groups, x.shape[3] // groups)
    return by_group.swapaxes(3, 4).reshape(x.shape)


def _transpose(run: NodeRun) -> Array:
    """Channel c of (y, x) is channel x of (y, c); of whole pixels (y, x) is (x, y)."""
    return run.inputs[0].swapaxes(*((1, 2) if run.node["whole_pixels"] else (2, 3)))


def _reshape(run: NodeRun) -> Array:
    """The values in the order row, column, channel, as so many rows and channels."""
    x, rows, count = run.inputs[0], run.node["rows"], run.node["count"]
    batch, height, width, channels = x.shape
    return x.reshape(batch, rows, height * width * channels // (rows * count), count)


OPERATIONS = {
    "identity": _identity,
    "flatten": _flatten,
    "concat": _concat,
    "slice": _slice,
    "upsample": _upsample,
    "space_to_depth": _space_to_depth,
    "depth_to_space": _depth_to_space,
    "channel_shuffle": _channel_shuffle,
    "transpose": _transpose,
    "reshape": _reshape,
}
