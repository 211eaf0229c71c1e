"""What the common epilogue makes of a body's values, in NumPy, as docs/format.md words it.

Arrays are batches (N, height, width, channels).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from signbit.bitformat.borders import border_patterns, has_border_shift
from signbit.bitformat.checks import Array
from signbit.bitformat.exact import Float32, fma, sigmoid
from signbit.bitformat.graph import Node, Shortcut

__all__ = ["apply_epilogue"]

Arrays = Mapping[str, Array]

_ZERO = np.float32(0)
_ONE = np.float32(1)


def apply_epilogue(node: Node, v0: Array, inputs: Arrays, constants: Arrays) -> dict[str, Array]:
    """Every tensor the node writes, by name, from its body's (pooled) values.

    inputs: the tensors that the node reads, by name. Reals are float32, bits are uint8 with
    1 = negative.
    """
    v = _affine(node, v0, inputs, constants)
    if node.shortcut is not None:
        v = v + _shortcut(node.shortcut, inputs[node.shortcut.tensor], v.shape)
    v = _activate(node, v, constants)
    if node.offset is not None:
        v = v + constants[node.offset]
    written: dict[str, Array] = {}
    if node.real is not None:
        written[node.real] = v
    for output in node.signs:
        threshold = constants[output.threshold]
        u = v0 if threshold.dtype == np.int32 else v
        below = np.asarray(u < threshold)
        written[output.tensor] = below.astype(np.uint8) ^ constants[output.flip].astype(np.uint8)
    return written


def _affine(node: Node, v0: Array, inputs: Arrays, constants: Arrays) -> Float32:
    """Map, scale and shift, sums: what one multiplication or fma each adds to v0."""
    v: Float32 = v0.astype(np.float32)
    if node.map is not None:
        v = v * inputs[node.map]
    if node.scale is not None:
        v = fma(v, constants[node.scale], _shift(node, inputs, constants))
    if node.sums is not None:
        sums = inputs[node.sums.tensor]
        of_channels = np.repeat(sums, v.shape[3] // sums.shape[3], axis=3)
        v = fma(of_channels, constants[node.sums.scale], v)
    return v


def _shift(node: Node, inputs: Arrays, constants: Arrays) -> Float32:
    """The shift of each channel, or of each position and channel where it goes by border."""
    assert node.shift is not None
    shift: Float32 = constants[node.shift]
    if not has_border_shift(node, constants):
        return shift
    rows, columns = border_patterns(node, *inputs[node.input].shape[1:3])
    at_pixels: Float32 = shift[np.array(rows.by_position)[:, None], np.array(columns.by_position)]
    return at_pixels


def _shortcut(shortcut: Shortcut, x: Float32, shape: tuple[int, ...]) -> Float32:
    """x[y·stride, x·stride, c − offset] at an output of this shape; +0.0 for no such channel."""
    _, height, width, channels = shape
    rows = (np.arange(height) * shortcut.stride[0])[:, None]
    columns = np.arange(width) * shortcut.stride[1]
    if shortcut.repeat:
        repeated: Float32 = x[
            :, rows[..., None], columns[:, None], np.arange(channels) % x.shape[3]
        ]
        return repeated
    operand = np.zeros(shape, np.float32)
    end = min(channels, shortcut.offset + x.shape[3])
    if end > shortcut.offset:
        operand[..., shortcut.offset : end] = x[:, rows, columns, : end - shortcut.offset]
    return operand


def _activate(node: Node, v: Float32, constants: Arrays) -> Float32:
    if node.activation == "relu":
        return np.where(v < 0, _ZERO, v)
    if node.activation == "hardtanh":
        return np.where(v < -1, -_ONE, np.where(v > 1, _ONE, v))
    if node.activation == "prelu":
        assert node.slope is not None
        return np.where(v < 0, v * constants[node.slope], v)
    if node.activation == "maxout":
        assert node.slope is not None
        assert node.positive_slope is not None
        return np.where(v < 0, v * constants[node.slope], v * constants[node.positive_slope])
    if node.activation == "sigmoid":
        return sigmoid(v)
    return v
