"""A compiled network as an OpenVINO model: the same nodes, the same weights, one for one.

Signs are {0, 1} there (FakeQuantize of two levels), a binary convolution reads 0 as -1, and its
pad value 0 leaves taps outside the image out, which is exactly the file's rule. So no correction
is needed, and the CPU plugin runs its native kernel on packed bits. (It cannot read signs of a
number of channels that is no multiple of 8: compiling such a model fails.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov
from openvino import opset1, opset13

from signbit.bitformat import unpack_bits
from signbit.bitformat.graph import Graph, Node, Shortcut, TensorSpec

__all__ = ["PART", "Translated", "translate", "translate_node"]

Array = npt.NDArray[Any]
Value = Any
"""An OpenVINO node; the package has no types for them."""

PART = "#"
"""Between the name of a node and the number of an operation that it became."""


@dataclass(frozen=True)
class Translated:
    """An OpenVINO model of one float32 input (N, C, H, W) and of the graph's output."""

    model: ov.Model
    offset: Array
    """(1, C, 1, 1): to be subtracted from the pixels. A padding value becomes 0 that way."""

    def feed(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Images (N, H, W, C) as the model wants them."""
        pixels = images.transpose(0, 3, 1, 2).astype(np.float32) - self.offset
        return np.ascontiguousarray(pixels, np.float32)


def translate(graph: Graph, constants: Mapping[str, Array], batch: int = 1) -> Translated:
    """The graph for batches of this size.

    Raises ValueError for what has no counterpart: grouped binary convolutions, and images that
    are padded with values that differ from node to node.
    """
    translation = _Translation(graph, constants)
    image = graph.tensor(graph.input.tensor)
    parameter = opset13.parameter([batch, image.channels, image.height, image.width], np.float32)
    translation.values[image.name] = parameter
    for node in graph.nodes:
        translation.add(node)
    output = translation.values[graph.output]
    model = ov.Model([output], [parameter], "signbit")
    return Translated(model, translation.offset.reshape(1, -1, 1, 1))


def translate_node(
    graph: Graph, constants: Mapping[str, Array], node: Node, batch: int = 1
) -> Translated:
    """One node: its inputs, in their order, to its outputs; signs are given and got as -1, +1."""
    translation = _Translation(graph, constants)
    parameters = []
    for name in node.inputs:
        tensor = graph.tensor(name)
        shape = [batch, tensor.channels, tensor.height, tensor.width]
        parameters.append(opset13.parameter(shape, np.float32))
        translation.values[name] = parameters[-1]
        if tensor.kind == "bits":
            translation.add_signs(name, parameters[-1], np.zeros(tensor.channels, np.float32))
    translation.add(node)
    outputs = [translation.signs.get(name, translation.values[name]) for name in node.outputs]
    model = ov.Model(outputs, parameters, node.name)
    return Translated(model, translation.offset.reshape(1, -1, 1, 1))


class _Translation:
    """Holds the graph's tensors as OpenVINO values while nodes are added in their order."""

    def __init__(self, graph: Graph, constants: Mapping[str, Array]) -> None:
        self.graph = graph
        self.constants = constants
        self.image = graph.input.tensor
        self.offset = _offset(graph, constants)
        self.values: dict[str, Value] = {}
        """Reals as they are; bits as {0, 1}, 1 where the sign is +1."""
        self.signs: dict[str, Value] = {}
        """Bits once more, as -1 and +1, for whatever is no binary convolution."""
        self.labelled: set[str] = set()

    def add(self, node: Node) -> None:
        value = getattr(self, f"_{node.op}")(node)
        integer = value
        if node.scale is not None and node.shift is not None:
            value = opset13.multiply(value, _channels(self.constants[node.scale]))
            value = opset13.add(value, _channels(self.constants[node.shift]))
        if node.shortcut is not None:
            target = self.graph.tensor(node.outputs[0])
            value = opset13.add(value, self._shortcut(node.shortcut, target))
        value = self._activate(node, value)
        if node.real is not None:
            self.values[node.real] = value
        for output in node.signs:
            threshold, flip = self.constants[output.threshold], self.constants[output.flip]
            source = integer if threshold.dtype == np.int32 else value
            self.add_signs(output.tensor, source, threshold, flip)
        for name in node.outputs:
            self._label(node, self.values[name])

    def _label(self, node: Node, value: Value) -> None:
        """Call an operation and what leads to it "<node>#<number>", up to what has a name."""
        pending = [value]
        while pending:
            operation = pending.pop()
            if operation.get_name() in self.labelled or operation.get_type_name() == "Parameter":
                continue
            operation.set_friendly_name(f"{node.name}{PART}{len(self.labelled)}")
            self.labelled.add(operation.get_name())
            pending += [source.get_node() for source in operation.input_values()]

    def _real_conv(self, node: Node) -> Value:
        weight = self.constants[_name(node.weight)].astype(np.float32).transpose(0, 3, 1, 2)
        source = self.values[node.input]
        groups = node.groups or 1
        if groups == 1:
            value = opset13.convolution(source, _constant(weight), *_windows(node))
        else:
            shape = (groups, weight.shape[0] // groups, *weight.shape[1:])
            weight = weight.reshape(shape)
            value = opset13.group_convolution(source, _constant(weight), *_windows(node))
        if node.input == self.image and self.offset.any():
            bias = (weight.reshape(weight.shape[0], -1, *weight.shape[-2:]).sum((2, 3))) @ (
                self.offset
            )
            value = opset13.add(value, _channels(bias))
        return value

    def _binary_conv(self, node: Node) -> Value:
        if node.groups != 1:
            raise ValueError(f"{node.name}: OpenVINO has no grouped binary convolution")
        kernel, channels = node.kernel or (1, 1), self.graph.tensor(node.input).channels
        words = self.constants[_name(node.weight)]
        negative = unpack_bits(words, kernel[0] * kernel[1] * channels)
        negative = negative.reshape(-1, *kernel, channels).transpose(0, 3, 1, 2)
        packed = np.packbits(~negative.reshape(-1), bitorder="little")
        tensor = ov.Tensor(packed, list(negative.shape), ov.Type.u1)
        # Not shared: the constant would outlive the array it points into.
        weight = ov.op.Constant(tensor, shared_memory=False)
        value = opset1.binary_convolution(
            self.values[node.input], weight, *_windows(node), "xnor-popcount", 0.0
        )
        if node.pool is not None:
            value = _max_pool(value, node.pool.kernel, node.pool.stride, (0, 0))
        return value

    def _max_pool(self, node: Node) -> Value:
        source = self.signs.get(node.input, self.values[node.input])
        return _max_pool(source, _pair(node.kernel), _pair(node.stride), _pair(node.padding))

    def _avg_pool(self, node: Node) -> Value:
        kernel, stride = list(_pair(node.kernel)), list(_pair(node.stride))
        return opset13.avg_pool(self.values[node.input], stride, [0, 0], [0, 0], kernel, True)

    def _global_mean(self, node: Node) -> Value:
        axes = ov.op.Constant(np.array([2, 3], np.int64))
        return opset13.reduce_mean(self.values[node.input], axes, keep_dims=True)

    def _pointwise(self, node: Node) -> Value:
        source = self.values[node.input]
        if node.input == self.image and self.offset.any():
            source = opset13.add(source, _channels(self.offset))
        return source

    def add_signs(
        self, name: str, value: Value, threshold: Array, flip: Array | None = None
    ) -> None:
        """+1 where value > the largest float below the threshold, or where not, if it flips."""
        threshold = threshold.astype(np.float32)
        # Below ±0.0 the largest float is a subnormal, which vector units may read as 0.
        next_below = np.nextafter(threshold, np.float32(-np.inf))
        below = np.where(threshold == 0, -np.finfo(np.float32).tiny, next_below)
        limit = _channels(below.astype(np.float32))
        flips = np.zeros_like(below) if flip is None else flip.astype(np.float32)
        low, high = _channels(flips), _channels(1 - flips)
        self.values[name] = opset13.fake_quantize(value, limit, limit, low, high, 2)
        low, high = _channels(2 * flips - 1), _channels(1 - 2 * flips)
        self.signs[name] = opset13.select(opset13.greater(value, limit), high, low)

    def _shortcut(self, shortcut: Shortcut, target: TensorSpec) -> Value:
        value = self.values[shortcut.tensor]
        source = self.graph.tensor(shortcut.tensor)
        before = min(shortcut.offset, target.channels)
        kept = min(source.channels, target.channels - before)
        if kept == 0:
            return _scalar(0)
        if shortcut.stride != (0, 0) and source.shape[:2] != target.shape[:2]:
            size = (target.height, target.width)
            end = [(n - 1) * step + 1 for n, step in zip(size, shortcut.stride, strict=True)]
            value = opset13.slice(
                value,
                _integers([0, 0]),
                _integers(end),
                _integers(shortcut.stride),
                _integers([2, 3]),
            )
        if kept < source.channels:
            limits = [_integers([number]) for number in (0, kept, 1, 1)]
            value = opset13.slice(value, *limits)
        after = target.channels - before - kept
        if before or after:
            pads = [_integers([0, number, 0, 0]) for number in (before, after)]
            value = opset13.pad(value, *pads, "constant", _scalar(0))
        return value

    def _activate(self, node: Node, value: Value) -> Value:
        if node.activation == "relu":
            return opset13.relu(value)
        if node.activation == "hardtanh":
            return opset13.clamp(value, -1.0, 1.0)
        if node.activation == "prelu":
            return opset13.prelu(value, _constant(self.constants[_name(node.slope)]))
        if node.activation == "sigmoid":
            return opset13.sigmoid(value)
        return value


def _offset(graph: Graph, constants: Mapping[str, Array]) -> Array:
    """What the image is padded with, or zeros."""
    image = graph.tensor(graph.input.tensor)
    paddings = [
        np.zeros(image.channels, np.float32)
        if node.pad_value is None
        else constants[node.pad_value].astype(np.float32)
        for node in graph.nodes
        if node.op == "real_conv" and node.input == image.name and any(node.padding or ())
    ]
    if any((padding != paddings[0]).any() for padding in paddings):
        raise ValueError("the image is padded with different values")
    return paddings[0] if paddings else np.zeros(image.channels, np.float32)


def _windows(node: Node) -> tuple[list[int], list[int], list[int], list[int]]:
    """Strides, padding before and after, dilations."""
    padding = list(_pair(node.padding))
    return list(_pair(node.stride)), padding, padding, list(_pair(node.dilation))


def _max_pool(
    value: Value, kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int]
) -> Value:
    pads = list(padding)
    return opset1.max_pool(value, list(stride), pads, pads, list(kernel))


def _pair(pair: tuple[int, int] | None) -> tuple[int, int]:
    assert pair is not None
    return pair


def _name(name: str | None) -> str:
    assert name is not None
    return name


def _constant(array: Array) -> Value:
    return ov.op.Constant(np.ascontiguousarray(array, np.float32))


def _channels(array: Array) -> Value:
    return _constant(array.reshape(1, -1, 1, 1))


def _scalar(value: float) -> Value:
    return ov.op.Constant(np.array(value, np.float32))


def _integers(values: Sequence[int]) -> Value:
    return ov.op.Constant(np.array(values, np.int64))
