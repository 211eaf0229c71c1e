"""Convolutions and pools: their windows as ONNX has them, and which taps lie inside the image."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.bitformat.graph import Sides
from signbit.compiler.ir import Node, Shape
from signbit.exchange.onnx.writing.writer import Writer

__all__ = ["convolution", "inside", "whole_windows", "window"]


def convolution(writer: Writer, node: Node, value: str, weight: str) -> str:
    """A node's convolution of a value (N, C, H, W) with filters (out, in / groups, kh, kw)."""
    dilations = list(node["dilation"])
    return writer.add(
        "Conv",
        value,
        weight,
        **window(node, node["padding"]),
        dilations=dilations,
        group=node["groups"],
    )


def window(node: Node, padding: Sides) -> dict[str, Any]:
    """A node's kernel and strides and this padding, as attributes."""
    return {
        "kernel_shape": list(node["kernel"]),
        "strides": list(node["stride"]),
        "pads": list(padding),
    }


def whole_windows(node: Node, source: Shape) -> Sides:
    """The padding with which all windows of a pool fit, those that begin inside it included."""
    top, left, *behind = node["padding"]
    dilation = node["dilation"] if node.has("dilation") else (1, 1)
    for axis, before in enumerate((top, left)):
        reach = dilation[axis] * (node["kernel"][axis] - 1) + 1
        last = (node.shape[axis] - 1) * node["stride"][axis] + reach
        behind[axis] = max(behind[axis], last - before - source[axis])
    return top, left, behind[0], behind[1]


def inside(node: Node, source: Shape, axis: int) -> npt.NDArray[np.float64]:
    """(taps, outputs) along an axis, 0 for rows: 1 where a tap of a window lies in the image."""
    dilation = node["dilation"] if node.has("dilation") else (1, 1)
    taps = np.arange(node["kernel"][axis])[:, None] * dilation[axis]
    places = np.arange(node.shape[axis]) * node["stride"][axis] - node["padding"][axis] + taps
    held: npt.NDArray[np.bool_] = (places >= 0) & (places < source[axis])
    return held.astype(np.float64)
