"""What the body of each op computes, in NumPy, as docs/format.md words it: slow and obvious.

Arrays are batches (N, height, width, channels). Vectorised over images, positions and output
channels; every loop below runs over a reduction, in the order that the format prescribes. Signs
come as ±1, in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod

import numpy as np
import numpy.typing as npt

from signbit.bitformat.bits import unpack_bits
from signbit.bitformat.checks import Array
from signbit.bitformat.exact import Float32, fma
from signbit.bitformat.graph import Node, Pair, output_size

__all__ = ["BODIES", "pool_dots"]

Int32 = npt.NDArray[np.int32]
Constants = dict[str, Array]

_ZERO = np.float32(0)
_ONE = np.float32(1)


def _windows(size: Pair, node: Node) -> tuple[int, int]:
    """Output height and width of a node's windows over an input of this size."""
    assert node.kernel is not None
    assert node.stride is not None
    padding, dilation = node.padding or (0, 0), node.dilation or (1, 1)
    return (
        output_size(size[0], node.kernel[0], node.stride[0], padding[0], dilation[0]),
        output_size(size[1], node.kernel[1], node.stride[1], padding[1], dilation[1]),
    )


def _taps(x: Array, node: Node, outside: Array) -> Iterator[tuple[int, int, Array]]:
    """Yield (ky, kx, the input of that tap for every output position), ky before kx.

    A tap outside the image reads `outside`, one value or one a channel.
    """
    assert node.kernel is not None
    assert node.stride is not None
    padding, dilation = node.padding or (0, 0), node.dilation or (1, 1)
    batch, height, width, channels = x.shape
    out_height, out_width = _windows((height, width), node)
    padded = np.empty(
        (batch, height + 2 * padding[0], width + 2 * padding[1], channels), dtype=x.dtype
    )
    padded[...] = outside
    padded[:, padding[0] : padding[0] + height, padding[1] : padding[1] + width] = x
    rows = np.arange(out_height) * node.stride[0]
    columns = np.arange(out_width) * node.stride[1]
    for ky in range(node.kernel[0]):
        for kx in range(node.kernel[1]):
            row, column = ky * dilation[0], kx * dilation[1]
            yield ky, kx, padded[:, (rows + row)[:, None], columns + column]


def _real_conv(node: Node, x: Array, constants: Constants) -> Array:
    """acc = fma(x, w, acc) over ky, kx, channel, from +0.0; int32 sums where w is int16."""
    assert node.weight is not None
    assert node.groups is not None
    weight = constants[node.weight]  # (out, kh, kw, in / groups), or these packed
    outside = np.asarray(_ZERO) if node.pad_value is None else constants[node.pad_value]
    if weight.dtype == np.int16:
        # Below 2^31, so float64 holds every sum.
        sums = _sums(node, x.astype(np.float64), weight.astype(np.float64), outside)
        return sums.astype(np.int32)
    if weight.dtype == np.uint64:
        weight = _weight_signs(node, weight, x.shape[3])
    out, _, _, group_channels = weight.shape
    by_group = weight.reshape(node.groups, out // node.groups, *weight.shape[1:])
    pixels = x.astype(np.float32)
    size = _windows((x.shape[1], x.shape[2]), node)
    acc = np.zeros((len(x), *size, node.groups, out // node.groups), np.float32)
    for ky, kx, tap in _taps(pixels, node, outside):
        grouped = tap.reshape(*acc.shape[:4], group_channels)
        for channel in range(group_channels):
            acc = fma(grouped[..., channel, None], by_group[:, :, ky, kx, channel], acc)
    return acc.reshape(len(x), *size, out)


def _binary_conv(node: Node, signs: Array, constants: Constants) -> Int32:
    """D: the dot of signs over the taps inside the image; a tap outside reads 0, so adds nothing.

    Below 2^24, so float32 holds every sum.
    """
    assert node.weight is not None
    weight = _weight_signs(node, constants[node.weight], signs.shape[3])
    return _sums(node, signs, weight, np.asarray(_ZERO)).astype(np.int32)


def _weight_signs(node: Node, words: Array, channels: int) -> Float32:
    """±1 (out, kh, kw, in / groups) of packed weights that read so many channels."""
    assert node.groups is not None
    assert node.kernel is not None
    shape = len(words), *node.kernel, channels // node.groups
    negative = unpack_bits(words.astype(np.uint64, copy=False), prod(shape[1:]))
    return np.where(negative, -_ONE, _ONE).reshape(shape)


def _sign_sum(node: Node, signs: Array, constants: Constants) -> Float32:
    """The sum of each group's signs over the taps inside the image; below 2^24, so exact."""
    assert node.groups is not None
    batch, height, width, channels = signs.shape
    total = np.zeros((batch, *_windows((height, width), node), node.groups), np.float32)
    for _, _, tap in _taps(signs, node, np.asarray(_ZERO)):
        total += tap.reshape(*total.shape, channels // node.groups).sum(axis=-1)
    return total


def _sums(node: Node, x: Array, weight: Array, outside: Array) -> Array:
    """Σ x·w by matrix products, in x's type, which must hold every partial sum: any order will do.

    weight: (out, kh, kw, in / groups).
    """
    assert node.groups is not None
    groups, out, channels = node.groups, len(weight), weight.shape[3]
    by_group = weight.reshape(groups, out // groups, *weight.shape[1:])
    size = _windows((x.shape[1], x.shape[2]), node)
    sums = np.zeros((len(x) * size[0] * size[1], groups, out // groups), x.dtype)
    for ky, kx, tap in _taps(x, node, outside):
        grouped = tap.reshape(len(sums), groups, channels)
        for group in range(groups):
            sums[:, group] += grouped[:, group] @ by_group[group, :, ky, kx].T
    return sums.reshape(len(x), *size, out)


def _maximum(x: Array, node: Node, outside: Array) -> Array:
    """Maximum over a node's taps; of equal values (−0.0, +0.0) the first stays."""
    taps = _taps(x, node, outside)
    _, _, best = next(taps)
    for _, _, tap in taps:
        best = np.where(tap > best, tap, best)
    return best


def pool_dots(node: Node, dots: Int32) -> Int32:
    """The maximum of a binary convolution's dots over the windows of its pool, if it has one."""
    if node.pool is None:
        return dots
    pool = Node(node.name, "max_pool", node.input, node.pool.kernel, node.pool.stride)
    return _maximum(dots, pool, np.asarray(np.int32(0))).astype(np.int32, copy=False)


def _max_pool(node: Node, x: Array, constants: Constants) -> Float32:
    """Maximum of the taps inside the image; of bits, as signs: +1 if any is +1."""
    return _maximum(x, node, np.asarray(np.float32(-np.inf))).astype(np.float32, copy=False)


def _avg_pool(node: Node, x: Array, constants: Constants) -> Float32:
    """Sum of the taps over ky, kx from +0.0, divided by the kernel's area."""
    assert node.kernel is not None
    total = np.zeros((), np.float32)
    for _, _, tap in _taps(x, node, np.asarray(_ZERO)):
        total = np.asarray(total + tap)
    return total / np.float32(node.kernel[0] * node.kernel[1])


def _global_mean(node: Node, x: Array, constants: Constants) -> Float32:
    """Each row summed left to right, the row sums top to bottom, divided by the area."""
    batch, height, width, channels = x.shape
    rows = np.zeros((batch, height, channels), np.float32)
    for column in range(width):
        rows = rows + x[:, :, column]
    total = np.zeros((batch, channels), np.float32)
    for row in range(height):
        total = total + rows[:, row]
    return (total / np.float32(height * width)).reshape(batch, 1, 1, channels)


def _mean_abs(node: Node, x: Array, constants: Constants) -> Float32:
    """Magnitudes summed over the channels, ascending, from +0.0, divided by their number."""
    total = np.zeros(x.shape[:3], np.float32)
    for channel in range(x.shape[3]):
        total = total + np.abs(x[..., channel])
    return (total / np.float32(x.shape[3]))[..., None]


def _pointwise(node: Node, x: Array, constants: Constants) -> Float32:
    return x.astype(np.float32)


BODIES: dict[str, Callable[[Node, Array, Constants], Array]] = {
    "real_conv": _real_conv,
    "binary_conv": _binary_conv,
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "global_mean": _global_mean,
    "pointwise": _pointwise,
    "sign_sum": _sign_sum,
    "mean_abs": _mean_abs,
}
"""op → (node, input (N, H, W, C), constants) → v0 before any pool: int32 dots or float32"""
