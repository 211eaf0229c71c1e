"""Pools of windows, of whole maps and of channels."""

from __future__ import annotations

import numpy as np

from signbit.compiler.ir import Node
from signbit.exchange.onnx.writing.windows import inside, whole_windows, window
from signbit.exchange.onnx.writing.writer import MAP, Writer

__all__ = ["OPERATIONS"]


def _max_pool(writer: Writer, node: Node) -> tuple[str, int]:
    windows = window(node, whole_windows(node, writer.graph[node.input].shape))
    dilations = list(node["dilation"])
    return writer.add("MaxPool", writer.read(node.input), **windows, dilations=dilations), MAP


def _avg_pool(writer: Writer, node: Node) -> tuple[str, int]:
    """Of the taps inside the image; where others count, a factor for each pixel is behind it."""
    source = writer.graph[node.input].shape
    windows = window(node, whole_windows(node, source))
    value = writer.add("AveragePool", writer.read(node.input), **windows, count_include_pad=0)
    if not (node["count_padding"] and any(node["padding"])):
        return value, MAP
    top, left, bottom, right = node["padding"]
    padded = source._replace(height=top + source.height + bottom, width=left + source.width + right)
    bare = node.with_keys(padding=(0, 0, 0, 0))
    held, counted = (
        np.outer(*(inside(each, shape, axis).sum(0) for axis in (0, 1)))
        for each, shape in ((node, source), (bare, padded))
    )
    return writer.add("Mul", value, writer.constant(held / counted)), MAP


def _global(op: str, writer: Writer, node: Node) -> tuple[str, int]:
    return writer.add(op, writer.read(node.input)), MAP


def _global_mean(writer: Writer, node: Node) -> tuple[str, int]:
    return _global("GlobalAveragePool", writer, node)


def _global_max(writer: Writer, node: Node) -> tuple[str, int]:
    return _global("GlobalMaxPool", writer, node)


def _mean_abs(writer: Writer, node: Node) -> tuple[str, int]:
    magnitudes = writer.add("Abs", writer.read(node.input))
    return writer.add("ReduceMean", magnitudes, axes=[1], keepdims=1), MAP


OPERATIONS = {
    "avg_pool": _avg_pool,
    "global_max": _global_max,
    "global_mean": _global_mean,
    "max_pool": _max_pool,
    "mean_abs": _mean_abs,
}
