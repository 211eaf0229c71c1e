"""Convolutions and linear layers with real weights, and those of pixels. They may read signs.

A linear layer is a convolution of a 1×1 map; `passes/merge/absorb_flatten.py` gives it the map that
it really reads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from signbit.bitformat.graph import Pair, Sides
from signbit.bitformat.int16_stem import MAX_PIXEL
from signbit.compiler.ir import IMAGE, Node, Shape, is_affine
from signbit.compiler.mapping.tracer import Call
from signbit.nn.pixel_conv import recover_pixels

__all__ = ["MAPPINGS", "both_sides"]


def _conv2d(call: Call) -> Node:
    return _real(call, both_sides(call.window("padding", 0)))


def _conv2d_named_padding(call: Call) -> Node:
    """With "same" and an even kernel the odd row is below, the odd column to the right."""
    if call.arguments["padding"] == "valid":
        return _real(call, (0, 0, 0, 0))
    kernel, dilation = _of_maps(call.constant("weight")).shape[2:], call.window("dilation", 1)
    rows, columns = (d * (k - 1) for k, d in zip(kernel, dilation, strict=True))
    return _real(call, (rows // 2, columns // 2, rows - rows // 2, columns - columns // 2))


def _real(call: Call, padding: Sides) -> Node:
    weight = _of_maps(call.constant("weight"))
    source = call.map("input")
    return _with_bias(call, _convolution(call, source, weight, padding, part=_before_bias(call)))


def _transposed(call: Call) -> Node:
    """As a convolution whose filters each yield a square of pixels, s rows and columns of them.

    Row s·q + r of the result reads row y of the source, with row k of a filter, where
    s·y + k = s·q + r + padding. So the filter of r reads row q + (r + padding − k) / s with row k
    of the given one, for every k where that is whole, and it is 0 elsewhere.
    """
    source, stride = call.map("input"), call.window("stride", 1)
    weight = _of_maps(call.constant("weight"))
    if call.window("dilation", 1) != (1, 1):
        raise call.refuse(
            "is dilated", "the engine has transposed convolutions of dilation 1 alone"
        )
    is_signal = len(call.sizes()) == 2
    if stride[0] != stride[1] and not is_signal:
        raise call.refuse(
            f"has the stride {stride}", "the engine has one stride for both directions"
        )
    size, padding = call.shape(), call.window("padding", 0)
    axes = [
        _phases(call, weight.shape[2 + axis], stride[axis], padding[axis], size[axis])
        for axis in (0, 1)
    ]
    (rows, top), (columns, left) = axes
    groups = call.arguments["groups"]
    by_group = weight.reshape(groups, len(weight) // groups, *weight.shape[1:])
    # group, in, out, kernel; phase, tap, kernel → group, out, phases, taps, in
    parts = np.einsum("giokl,rtk,sul->gorstui", by_group, rows, columns)
    filters = parts.reshape(-1, *parts.shape[4:])
    height, width = size.height // stride[0], size.width // stride[1]
    bottom = height - 1 + rows.shape[1] - source.shape.height - top
    right = width - 1 + columns.shape[1] - source.shape.width - left
    if min(bottom, right) < 0:
        raise call.refuse("does not read the last rows or columns", "take less padding")
    node = call.add(
        "real_conv",
        source,
        part=_before_bias(call) if stride == (1, 1) else "squares",
        shape=Shape(height, width, len(filters)),
        kernel=filters.shape[1:3],
        padding=(top, left, bottom, right),
        groups=groups,
        weight=filters,
    )
    return _with_bias(call, _spread(call, node, stride[1], is_signal))


def _phases(
    call: Call, kernel: int, stride: int, padding: int, size: int
) -> tuple[npt.NDArray[np.float64], int]:
    """Along one axis, which tap of the given filter each tap of each phase's filter is.

    (stride, taps, kernel), 1 where it is; and how far before its own place a window begins.
    """
    if size % stride:
        raise call.refuse(
            f"yields {size} rows or columns, which the stride of {stride} does not divide",
            "take another output_padding, or a kernel that is a multiple of the stride",
        )
    taps = [
        ((r + padding) // stride - k // stride, r, k)
        for r in range(stride)
        for k in range((r + padding) % stride, kernel, stride)
    ]
    first = min(0, *(place for place, _, _ in taps))
    last = max(0, *(place for place, _, _ in taps))
    phases = np.zeros((stride, last - first + 1, kernel))
    for place, r, k in taps:
        phases[r, place - first, k] = 1
    return phases, -first


def _spread(call: Call, node: Node, stride: int, is_signal: bool) -> Node:
    """The channels of each pixel as the pixels that they are: the call's value before its bias."""
    part = _before_bias(call)
    if stride == 1:
        return node
    if not is_signal:
        return call.add("depth_to_space", node, part=part, block=stride)
    channels = node.shape.channels // stride
    ordered = call.add("channel_shuffle", node, part="order", shape=node.shape, groups=channels)
    return call.add("reshape", ordered, part=part, rows=1, count=channels)


def _of_maps(weight: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Filters (out, in / groups, kh, kw); those of signals have one row."""
    return weight if weight.ndim == 4 else weight[:, :, None]


def _convolution(
    call: Call,
    source: Node,
    weight: npt.NDArray[Any],
    padding: Sides,
    *,
    part: str | None,
    pad_value: npt.NDArray[np.uint8] | None = None,
) -> Node:
    """A node with this call's geometry; weight: (out, in / groups, kh, kw), as PyTorch has it."""
    return call.add(
        "real_conv",
        source,
        part=part,
        kernel=tuple(weight.shape[2:]),
        stride=call.window("stride", 1),
        padding=padding,
        dilation=call.window("dilation", 1),
        groups=call.arguments["groups"],
        weight=weight.transpose(0, 2, 3, 1),
        pad_value=pad_value,
    )


def both_sides(padding: Pair) -> Sides:
    """PyTorch's padding, which is the same on opposite sides."""
    vertical, horizontal = padding
    return vertical, horizontal, vertical, horizontal


def _linear(call: Call) -> Node:
    weight = call.constant("weight")
    source = call.with_channels("input", -1)
    filters = weight[:, None, None, :]
    return _with_bias(call, call.add("real_conv", source, part=_before_bias(call), weight=filters))


def _before_bias(call: Call) -> str | None:
    """No exported value: where PyTorch adds a bias too, the node is only a part of its value."""
    return None if call.arguments["bias"] is None else ""


def _with_bias(call: Call, conv: Node) -> Node:
    bias = call.optional_constant("bias")
    if bias is None:
        return conv
    return call.step("affine", conv, scale=np.ones_like(bias), shift=bias)


def _pixel_conv2d(call: Call) -> Node:
    source = call.value("images")
    image = _raw_pixels(call, source)
    weight = call.constant("weight").astype(np.int16)
    padding = both_sides(call.window("padding", 0))
    pad = call.constant("pad").astype(np.uint8) if any(padding) else None
    conv = _convolution(call, image, weight, padding, part="", pad_value=pad)
    return call.step("affine", conv, scale=call.constant("scale"), shift=call.constant("shift"))


def _raw_pixels(call: Call, source: Node) -> Node:
    """The image, where the operation finds every pixel again in what `source` makes of it."""
    if source.input != IMAGE or not is_affine(source):
        raise call.refuse(f"reads {source.origin}", "an int16 stem reads the images themselves")
    (affine,) = source.steps
    every = np.arange(MAX_PIXEL + 1, dtype=np.float64)
    normalised = np.multiply.outer(affine["scale"], every) + affine["shift"][:, None]
    mean, std = call.arguments["mean"], call.arguments["std"]
    images = torch.from_numpy(normalised[None, :, None].astype(np.float32))
    if not np.array_equal(recover_pixels(images, mean, std)[0, :, 0], [every] * len(mean)):
        raise call.refuse(
            f"was rounded for images of mean {tuple(mean)} and std {tuple(std)}, which are not "
            "those of this compilation"
        )
    return call.tracer.graph[IMAGE]


MAPPINGS = {
    "aten.conv1d.default": _conv2d,
    "aten.conv1d.padding": _conv2d_named_padding,
    "aten.conv2d.default": _conv2d,
    "aten.conv2d.padding": _conv2d_named_padding,
    "aten.conv_transpose1d.default": _transposed,
    "aten.conv_transpose2d.input": _transposed,
    "aten.linear.default": _linear,
    "signbit.pixel_conv2d.default": _pixel_conv2d,
}
