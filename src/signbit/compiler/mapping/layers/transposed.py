"""Transposed convolutions: filters that yield a square of pixels each, of reals and of signs.

Row s·q + r of the result reads row y of the source, with row k of a filter, where
s·y + k = s·q + r + padding. So the filter of r, a phase, reads row q + (r + padding − k) / s with
row k of the given one, for every k where that is whole; so do columns.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.bitformat.graph import Pair, Sides
from signbit.compiler.ir import Node, Shape
from signbit.compiler.mapping.layers.binary import product_of_operands
from signbit.compiler.mapping.layers.convolution import before_bias, of_maps, with_bias
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS"]


def _of_reals(call: Call) -> Node:
    """One convolution, whose filters are 0 where a phase has no tap."""
    source, stride = call.map("input"), call.window("stride", 1)
    weight = of_maps(call.constant("weight"))
    if call.window("dilation", 1) != (1, 1):
        raise call.refuse(
            "is dilated", "the engine has transposed convolutions of dilation 1 alone"
        )
    is_signal = len(call.sizes()) == 2
    if not is_signal:
        _require_one_stride(call, stride)
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
        part=before_bias(call) if stride == (1, 1) else "squares",
        shape=Shape(height, width, len(filters)),
        kernel=filters.shape[1:3],
        padding=(top, left, bottom, right),
        groups=groups,
        weight=filters,
    )
    return with_bias(call, _spread(call, node, stride[1], is_signal))


def _phases(
    call: Call, kernel: int, stride: int, padding: int, size: int
) -> tuple[npt.NDArray[np.float64], int]:
    """Along one axis, which tap of the given filter each tap of each phase's filter is.

    (stride, taps, kernel), 1 where it is; and how far before its own place a window begins.
    """
    taps = _taps(call, kernel, stride, padding, size)
    places = [0, *(place for phase in taps for place, _ in phase)]
    first = min(places)
    phases = np.zeros((stride, max(places) - first + 1, kernel))
    for r, phase in enumerate(taps):
        for place, k in phase:
            phases[r, place - first, k] = 1
    return phases, -first


def _taps(
    call: Call, kernel: int, stride: int, padding: int, size: int
) -> list[list[tuple[int, int]]]:
    """Along one axis, of each phase: how far from its own place it reads, with which tap.

    In the order of the source, in which a phase's taps are neighbours.
    """
    if size % stride:
        raise call.refuse(
            f"yields {size} rows or columns, which the stride of {stride} does not divide",
            "take another output_padding, or a kernel that is a multiple of the stride",
        )
    return [
        [
            ((r + padding - k) // stride, k)
            for k in reversed(range((r + padding) % stride, kernel, stride))
        ]
        for r in range(stride)
    ]


def _spread(call: Call, node: Node, stride: int, is_signal: bool) -> Node:
    """The channels of each pixel as the pixels that they are: the call's value before its bias."""
    part = before_bias(call)
    if stride == 1:
        return node
    if not is_signal:
        return call.add("depth_to_space", node, part=part, block=stride)
    channels = node.shape.channels // stride
    ordered = call.add("channel_shuffle", node, part="order", shape=node.shape, groups=channels)
    return call.add("reshape", ordered, part=part, rows=1, count=channels)


def _of_signs(call: Call) -> Node:
    """A convolution for each phase, as signs have no 0; one for all where their windows agree."""
    source, stride = call.map("signs"), call.pair("stride")
    _require_one_stride(call, stride)
    weight, size = call.constant("weight_signs"), call.shape()
    axes = [
        _taps(call, weight.shape[2 + axis], stride[axis], call.pair("padding")[axis], size[axis])
        for axis in (0, 1)
    ]
    step = stride[0]
    each_shape = Shape(size.height // step, size.width // step, size.channels)
    shape = each_shape._replace(channels=size.channels * step**2)
    windows, filters = [], []
    for rows, columns in product(*axes):
        windows.append(_padding(call, source.shape, each_shape, rows, columns))
        taps = weight[:, :, [k for _, k in rows]][:, :, :, [k for _, k in columns]]
        filters.append(taps.transpose(0, 2, 3, 1))
    if step == 1:
        return _multiplied(call, source, filters[0], windows[0])
    if len({(window, each.shape) for window, each in zip(windows, filters, strict=True)}) == 1:
        every = np.stack(filters, 1).reshape(-1, *filters[0].shape[1:])
        squares = _multiplied(_Phase(call, "squares", None, shape), source, every, windows[0])
        return call.add("depth_to_space", squares, block=step)
    phases = [
        _multiplied(_Phase(call, f"phase{k}", k, each_shape), source, filters[k], windows[k])
        for k in range(step**2)
    ]
    joined = call.add("concat", *phases, part="phases", shape=shape)
    squares = call.add("channel_shuffle", joined, part="squares", shape=shape, groups=step**2)
    return call.add("depth_to_space", squares, block=step)


def _padding(
    call: Call, source: Shape, size: Shape, rows: list[Pair], columns: list[Pair]
) -> Sides:
    """What is around the source so that a window of these taps yields a map of this size."""
    bottom = size.height + rows[-1][0] - source.height
    right = size.width + columns[-1][0] - source.width
    padding = -rows[0][0], -columns[0][0], bottom, right
    if min(padding) < 0:
        raise call.refuse("does not read the first or last rows or columns", "take less padding")
    return padding


def _multiplied(call: Call, source: Node, weight: npt.NDArray[Any], padding: Sides) -> Node:
    window = {"stride": (1, 1), "padding": padding, "dilation": (1, 1)}
    return product_of_operands(call, source, weight, window, call.arguments["groups"])


class _Phase(Call):
    """A call that yields a part of another one's value, which has a name and a shape of its own."""

    def __init__(self, call: Call, part: str, phase: int | None, shape: Shape) -> None:
        super().__init__(call.tracer, call.fx, call.origin._replace(phase=phase))
        self.order, self._part, self._shape = call.order, part, shape

    def shape(self) -> Shape:
        return self._shape

    def add(self, op: str, *inputs: Node, part: str | None = None, **keys: Any) -> Node:
        return super().add(op, *inputs, part=".".join(filter(None, (self._part, part))), **keys)


def _require_one_stride(call: Call, stride: Pair) -> None:
    if stride[0] != stride[1]:
        raise call.refuse(
            f"has the stride {stride}", "the engine has one stride for both directions"
        )


MAPPINGS = {
    "aten.conv_transpose1d.default": _of_reals,
    "aten.conv_transpose2d.input": _of_reals,
    "signbit.binary_conv_transpose2d.default": _of_signs,
}
