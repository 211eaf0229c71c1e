"""What the convolutions share: filters of packed signs, and sums that are exact in any order."""

from __future__ import annotations

from math import prod

import numpy as np

from signbit.bitformat.bits import unpack_bits
from signbit.bitformat.checks import Array
from signbit.bitformat.exact import Float32
from signbit.bitformat.graph import Node
from signbit.bitformat.shapes import windows
from signbit.runtime.reference.windows import taps

__all__ = ["exact_sums", "weight_signs"]


def weight_signs(node: Node, words: Array, channels: int) -> Float32:
    """±1 (out, rows, columns, in / groups) of packed weights that read so many channels."""
    copies = node["copies"] if node.op == "binary_conv" else 1
    shape = len(words), *node["kernel"], channels // node["groups"] // copies
    negative = unpack_bits(words.astype(np.uint64, copy=False), prod(shape[1:]))
    signs = np.where(negative, np.float32(-1), np.float32(1)).reshape(shape)
    return np.tile(signs, (1, 1, 1, copies))


def exact_sums(node: Node, x: Array, weight: Array, outside: Array) -> Array:
    """Σ x·w by matrix products, in x's type, which must hold every partial sum: any order will do.

    weight: (out, rows, columns, in / groups).
    """
    groups, out, channels = node["groups"], len(weight), weight.shape[3]
    by_group = weight.reshape(groups, out // groups, *weight.shape[1:])
    size = windows(node, (x.shape[1], x.shape[2]), node.name)
    sums = np.zeros((len(x) * size[0] * size[1], groups, out // groups), x.dtype)
    for row, column, tap in taps(node, x, outside):
        grouped = tap.reshape(len(sums), groups, channels)
        for group in range(groups):
            sums[:, group] += grouped[:, group] @ by_group[group, :, row, column].T
    return sums.reshape(len(x), *size, out)
