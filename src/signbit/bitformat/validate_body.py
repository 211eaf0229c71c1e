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

__all__ = ["BODY_KEYS", "derive_shape"]

BODY_KEYS = (
    *("kernel", "stride", "padding", "dilation", "groups", "weight", "pad_value"),
    *("pool", "map", "sums"),
)
"""The keys that some op has of its own, in the order in which a file has them."""

_WEIGHTS = {"real_conv": ("F32", "I16", "U64"), "binary_conv": ("U64",)}


def derive_shape(
    node: Node, source: TensorSpec, constants: ConstantTable, where: str
) -> tuple[int, int, int]:
    """Check a node's body; return the (height, width, channels) that it and its epilogue yield."""
    _check_keys(node, where)
    if node.op == "global_mean":
        return 1, 1, source.channels
    if node.op == "pointwise":
        return source.shape
    if node.op == "mean_abs":
        return source.height, source.width, 1
    channels = source.channels
    if node.op in _WEIGHTS:
        channels = _check_convolution(node, source, constants, where)
    if node.op == "sign_sum":
        channels, taps = _groups_and_taps(node, source, where)
        _check_taps(taps, where)
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
    for key in BODY_KEYS:
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
    groups, taps = _groups_and_taps(node, source, where)
    name = present(node.weight, f"{where}.weight")
    weight = constants.take(name, _WEIGHTS[node.op], f"{where}.weight")
    if weight.dtype == np.uint64:
        _check_packed_weight(weight, taps, where)
    else:
        kernel = present(node.kernel, f"{where}.kernel")
        _check_weight_shape(weight, (*kernel, source.channels // groups), where)
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


def _groups_and_taps(node: Node, source: TensorSpec, where: str) -> tuple[int, int]:
    """Check kernel and groups; return the groups and the taps of one dot product."""
    height, width = kernel = present(node.kernel, f"{where}.kernel")
    pair_in_range(kernel, 1, MAX_SIZE, f"{where}.kernel")
    groups = present(node.groups, f"{where}.groups")
    value_in_range(groups, 1, MAX_CHANNELS, f"{where}.groups")
    require(
        source.channels % groups == 0,
        f"{where}.groups",
        f"{groups} does not divide the {source.channels} input channels",
    )
    return groups, height * width * (source.channels // groups)


def _check_weight_shape(weight: Array, expected: tuple[int, ...], where: str) -> None:
    require(
        weight.ndim == len(expected) + 1 and weight.shape[1:] == expected,
        f"{where}.weight",
        f"must have shape (out, {', '.join(map(str, expected))}), has {weight.shape}",
    )


def _check_taps(taps: int, where: str) -> None:
    value_in_range(taps, 1, MAX_TAPS, f"{where}: taps of one dot product")


def _check_packed_weight(weight: Array, taps: int, where: str) -> None:
    _check_taps(taps, where)
    _check_weight_shape(weight, (word_count(taps),), where)
    if taps % WORD_BITS:
        unused = weight[:, -1].astype(np.uint64) >> np.uint64(taps % WORD_BITS)
        require(not unused.any(), f"{where}.weight", "has unused bits that are not 0")
