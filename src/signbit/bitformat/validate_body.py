"""Validity of a node's body: its own keys, its weights, and the shape it yields."""

from __future__ import annotations

import numpy as np

from signbit.bitformat.bits import WORD_BITS, word_count
from signbit.bitformat.checks import (
    Array,
    ConstantTable,
    pair_in_range,
    present,
    require,
    value_in_range,
)
from signbit.bitformat.graph import (
    MAX_CHANNELS,
    MAX_SIZE,
    MAX_TAPS,
    OPS,
    Node,
    Pair,
    TensorSpec,
    output_size,
)
from signbit.bitformat.int16_stem import check_weight

__all__ = ["derive_shape"]

_BODY_KEYS = ("kernel", "stride", "padding", "dilation", "groups", "weight", "pad_value", "pool")


def derive_shape(
    node: Node, source: TensorSpec, constants: ConstantTable, where: str
) -> tuple[int, int, int]:
    """Check a node's body; return the (height, width, channels) that it and its epilogue yield."""
    _check_keys(node, where)
    if node.op == "global_mean":
        return 1, 1, source.channels
    if node.op == "pointwise":
        return source.shape
    channels = source.channels
    if node.op in ("real_conv", "binary_conv"):
        channels = _check_convolution(node, source, constants, where)
    height, width = _window_size(
        (source.height, source.width),
        present(node.kernel, f"{where}.kernel"),
        present(node.stride, f"{where}.stride"),
        node.padding or (0, 0),
        node.dilation or (1, 1),
        where,
    )
    if node.op == "max_pool":
        _check_pool_padding(node, where)
    if node.pool is not None:
        height, width = _window_size(
            (height, width), node.pool.kernel, node.pool.stride, (0, 0), (1, 1), f"{where}.pool"
        )
    return height, width, channels


def _check_keys(node: Node, where: str) -> None:
    op = OPS[node.op]
    for key in _BODY_KEYS:
        given = getattr(node, key) is not None
        require(given or key not in op.required, f"{where}.{key}", "is missing")
        allowed = key in op.required or key in op.optional
        require(allowed or not given, f"{where}.{key}", f"{node.op} has no such key")


def _window_size(
    size: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, where: str
) -> Pair:
    pair_in_range(kernel, 1, MAX_SIZE, f"{where}.kernel")
    pair_in_range(stride, 1, MAX_SIZE, f"{where}.stride")
    pair_in_range(padding, 0, MAX_SIZE, f"{where}.padding")
    pair_in_range(dilation, 1, MAX_SIZE, f"{where}.dilation")
    height = output_size(size[0], kernel[0], stride[0], padding[0], dilation[0])
    width = output_size(size[1], kernel[1], stride[1], padding[1], dilation[1])
    require(height >= 1 and width >= 1, f"{where}.kernel", f"does not fit into {size}")
    return height, width


def _check_pool_padding(node: Node, where: str) -> None:
    kernel = present(node.kernel, f"{where}.kernel")
    padding = present(node.padding, f"{where}.padding")
    require(
        padding[0] < kernel[0] and padding[1] < kernel[1],
        f"{where}.padding",
        "must be less than the kernel, or the first window is empty",
    )


def _check_convolution(node: Node, source: TensorSpec, constants: ConstantTable, where: str) -> int:
    """Check groups, weight and pad_value; return the number of output channels."""
    height, width = kernel = present(node.kernel, f"{where}.kernel")
    pair_in_range(kernel, 1, MAX_SIZE, f"{where}.kernel")
    groups = present(node.groups, f"{where}.groups")
    value_in_range(groups, 1, MAX_CHANNELS, f"{where}.groups")
    require(
        source.channels % groups == 0,
        f"{where}.groups",
        f"{groups} does not divide the {source.channels} input channels",
    )
    name = present(node.weight, f"{where}.weight")
    if node.op == "binary_conv":
        taps = height * width * (source.channels // groups)
        weight = _binary_weight(name, taps, constants, where)
    else:
        weight = constants.take(name, ("F32", "I16"), f"{where}.weight")
        _check_weight_shape(weight, (height, width, source.channels // groups), where)
        if weight.dtype == np.int16:
            check_weight(weight, source.kind, where)
    if node.pad_value is not None:
        kind = "U8" if weight.dtype == np.int16 else "F32"
        constants.per_channel(node.pad_value, (kind,), source.channels, f"{where}.pad_value")
    channels = weight.shape[0]
    value_in_range(channels, 1, MAX_CHANNELS, f"{where}.weight: output channels")
    require(
        channels % groups == 0,
        f"{where}.groups",
        f"{groups} does not divide the {channels} output channels",
    )
    return int(channels)


def _check_weight_shape(weight: Array, expected: tuple[int, ...], where: str) -> None:
    require(
        weight.ndim == len(expected) + 1 and weight.shape[1:] == expected,
        f"{where}.weight",
        f"must have shape (out, {', '.join(map(str, expected))}), has {weight.shape}",
    )


def _binary_weight(name: str, taps: int, constants: ConstantTable, where: str) -> Array:
    value_in_range(taps, 1, MAX_TAPS, f"{where}: taps of one dot product")
    weight = constants.take(name, ("U64",), f"{where}.weight")
    _check_weight_shape(weight, (word_count(taps),), where)
    if taps % WORD_BITS:
        unused = weight[:, -1].astype(np.uint64) >> np.uint64(taps % WORD_BITS)
        require(not unused.any(), f"{where}.weight", "has unused bits that are not 0")
    return weight
