"""Operations that move values and compute nothing."""

from __future__ import annotations

import numpy as np

from signbit.compiler.ir import Node
from signbit.exchange.onnx.writing.writer import MAP, VECTOR, Writer

__all__ = ["OPERATIONS", "channels_first", "channels_last"]


def channels_last(writer: Writer, value: str) -> str:
    """(N, C, H, W) as (N, H, W, C)."""
    return writer.add("Transpose", value, perm=[0, 2, 3, 1])


def channels_first(writer: Writer, value: str) -> str:
    """(N, H, W, C) as (N, C, H, W)."""
    return writer.add("Transpose", value, perm=[0, 3, 1, 2])


def _flatten_chw(writer: Writer, node: Node) -> tuple[str, int]:
    return writer.read(node.input, VECTOR), VECTOR


def _flatten(writer: Writer, node: Node) -> tuple[str, int]:
    value = channels_last(writer, writer.read(node.input))
    return writer.add("Flatten", value, axis=1), VECTOR


def _concat(writer: Writer, node: Node) -> tuple[str, int]:
    return writer.add("Concat", *map(writer.read, node.inputs), axis=1), MAP


def _slice(writer: Writer, node: Node) -> tuple[str, int]:
    last = node["first"] + node["count"]
    ends = (writer.integers(each) for each in (node["first"], last, 1))
    return writer.add("Slice", writer.read(node.input), *ends), MAP


def _upsample(writer: Writer, node: Node) -> tuple[str, int]:
    scales = writer.constant([1, 1, *node["factor"]])
    how = {"mode": "nearest", "nearest_mode": "floor"}
    how["coordinate_transformation_mode"] = "asymmetric"
    return writer.add("Resize", writer.read(node.input), "", scales, **how), MAP


def _space_to_depth(writer: Writer, node: Node) -> tuple[str, int]:
    block, (height, width, channels) = node["block"], node.shape
    value = writer.reshape(writer.read(node.input), -1, height, block, width, block)
    value = writer.add("Transpose", value, perm=[0, 1, 3, 5, 2, 4])
    return writer.reshape(value, channels, height, width), MAP


def _depth_to_space(writer: Writer, node: Node) -> tuple[str, int]:
    value = writer.read(node.input)
    return writer.add("DepthToSpace", value, blocksize=node["block"], mode="CRD"), MAP


def _channel_shuffle(writer: Writer, node: Node) -> tuple[str, int]:
    height, width, channels = node.shape
    value = writer.reshape(writer.read(node.input), node["groups"], -1, height, width)
    value = writer.add("Transpose", value, perm=[0, 2, 1, 3, 4])
    return writer.reshape(value, channels, height, width), MAP


def _transpose(writer: Writer, node: Node) -> tuple[str, int]:
    perm = [0, 1, 3, 2] if node["whole_pixels"] else [0, 3, 2, 1]
    return writer.add("Transpose", writer.read(node.input), perm=perm), MAP


def _reshape(writer: Writer, node: Node) -> tuple[str, int]:
    value = channels_last(writer, writer.read(node.input))
    return channels_first(writer, writer.reshape(value, *node.shape)), MAP


def _view(writer: Writer, node: Node) -> tuple[str, int]:
    """Every so many pixels, and zero channels or copies around."""
    value, channels = writer.read(node.input), writer.graph[node.input].shape.channels
    if node["stride"] != (1, 1):
        limits = (0, 0), (np.iinfo(np.int64).max,) * 2, (2, 3), node["stride"]
        value = writer.add("Slice", value, *(writer.integers(*each) for each in limits))
    if node["repeat"] and node.shape.channels != channels:
        places = np.arange(node.shape.channels) % channels
        return writer.add("Gather", value, writer.integers(*places), axis=1), MAP
    before = node["zeros"]
    after = node.shape.channels - channels - before
    if before or after:
        pads = writer.integers(0, before, 0, 0, 0, after, 0, 0)
        value = writer.add("Pad", value, pads)
    return writer.add("Identity", value), MAP


def _pad(writer: Writer, node: Node) -> tuple[str, int]:
    """Around the values less the pad's there are zeros, and then the pad is added again."""
    top, left, bottom, right = node["padding"]
    pads = writer.integers(0, 0, top, left, 0, 0, bottom, right)
    value, around = writer.read(node.input), node["value"]
    if (around == around[0]).all():
        return writer.add("Pad", value, pads, writer.constant(around[0])), MAP
    by_channel = writer.per_channel(around)
    padded = writer.add("Pad", writer.add("Sub", value, by_channel), pads)
    return writer.add("Add", padded, by_channel), MAP


OPERATIONS = {
    "channel_shuffle": _channel_shuffle,
    "concat": _concat,
    "depth_to_space": _depth_to_space,
    "flatten": _flatten,
    "flatten_chw": _flatten_chw,
    "pad": _pad,
    "reshape": _reshape,
    "slice": _slice,
    "space_to_depth": _space_to_depth,
    "transpose": _transpose,
    "upsample": _upsample,
    "view": _view,
}
