"""Convolutions, linear layers, sums of signs and products of two values."""

from __future__ import annotations

import numpy as np

from signbit.compiler.ir import Node
from signbit.exchange.onnx.writing.operations.moves import channels_first, channels_last
from signbit.exchange.onnx.writing.windows import convolution
from signbit.exchange.onnx.writing.writer import MAP, VECTOR, Writer

__all__ = ["OPERATIONS", "includes_steps"]


def includes_steps(writer: Writer, node: Node) -> bool:
    """Whether the operands of a product of signs are written with what the node's steps say."""
    return writer.form.moves_operands and node.name in writer.graph.input_offsets


def _real_conv(writer: Writer, node: Node) -> tuple[str, int]:
    weight, pad = node["weight"], node["pad_value"]
    if _is_linear(writer, node):
        return _linear(writer, node)
    value, filters = writer.read(node.input), _filters(writer, node)
    if pad is None or not any(node["padding"]):
        return convolution(writer, node, value, filters), MAP
    # With the pad taken off each value zero padding is right; w·pad of all taps is added back.
    centred = writer.add("Sub", value, writer.per_channel(pad))
    by_group = weight.reshape(node["groups"], -1, *weight.shape[1:]).astype(np.float64)
    owed = (by_group * pad.reshape(node["groups"], 1, 1, 1, -1)).sum((2, 3, 4))
    sums = convolution(writer, node, centred, filters)
    return writer.add("Add", sums, writer.per_channel(owed.reshape(-1))), MAP


def _binary_conv(writer: Writer, node: Node) -> tuple[str, int]:
    if includes_steps(writer, node):
        return _moved_operands(writer, node)
    if _is_linear(writer, node):
        return _linear(writer, node)
    return writer.form.product(writer, node, node["weight"]), MAP


def _moved_operands(writer: Writer, node: Node) -> tuple[str, int]:
    """The product of s + δ, zeros around it, with scale·w + offset, of signs s and w."""
    is_linear, weight = _is_linear(writer, node), node["weight"].transpose(0, 3, 1, 2)
    weight = weight[:, :, 0, 0] if is_linear else weight
    affine, *weighted = node.steps
    by_filter = (-1, *(1,) * (weight.ndim - 1))
    filters = writer.form.weight(writer, weight, affine["scale"].reshape(by_filter))
    for step in weighted:
        offset = writer.constant(step["weighted"].reshape(by_filter))
        filters = writer.add("Add", filters, offset)
    value = writer.read(node.input, VECTOR if is_linear else MAP)
    delta = writer.graph.input_offsets[node.name]
    if delta:
        value = writer.add("Add", value, writer.constant(delta))
    if is_linear:
        return writer.add("Gemm", value, filters, transB=1), VECTOR
    return convolution(writer, node, value, filters), MAP


def _linear(writer: Writer, node: Node) -> tuple[str, int]:
    value, filters = writer.read(node.input, VECTOR), _filters(writer, node)
    return writer.add("Gemm", value, filters, transB=1), VECTOR


def _is_linear(writer: Writer, node: Node) -> bool:
    """Whether a node is a linear layer of vectors, not of the pixels of a map."""
    return "linear" in node.body_origin.target and writer.graph[node.input].shape[:2] == (1, 1)


def _filters(writer: Writer, node: Node) -> str:
    """A node's weights: (out, in / groups, kh, kw), of a linear layer (out, in)."""
    weight = node["weight"].transpose(0, 3, 1, 2)
    weight = weight[:, :, 0, 0] if _is_linear(writer, node) else weight
    is_signs = weight.dtype == np.int8
    return writer.form.weight(writer, weight) if is_signs else writer.constant(weight)


def _sign_sum(writer: Writer, node: Node) -> tuple[str, int]:
    groups = node["groups"]
    channels = writer.graph[node.input].shape.channels // groups
    ones = writer.constant(np.ones((groups, channels, *node["kernel"])))
    return convolution(writer, node, writer.read(node.input), ones), MAP


def _matmul(writer: Writer, node: Node) -> tuple[str, int]:
    left, right = (channels_last(writer, writer.read(name)) for name in node.inputs[:2])
    if not node["over_pixels"]:
        right = writer.add("Transpose", right, perm=[0, 1, 3, 2])
    return channels_first(writer, writer.add("MatMul", left, right)), MAP


OPERATIONS = {
    "binary_conv": _binary_conv,
    "matmul": _matmul,
    "real_conv": _real_conv,
    "sign_sum": _sign_sum,
}
