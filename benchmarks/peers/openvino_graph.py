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
from signbit.bitformat.graph import Graph, Node, Pair, Sides, Step
from signbit.bitformat.validate import Tensor, validate

__all__ = ["PART", "Translated", "translate", "translate_node"]

Array = npt.NDArray[Any]
Value = Any
"""An OpenVINO node; the package has no types for them."""

PART = "#"
"""Between the name of a node and the number of an operation that it became."""


_WINDOW = ("kernel", "stride", "padding")
_KNOWN: Mapping[str, Sequence[str]] = {
    "real_conv": (*_WINDOW, "dilation", "groups", "weight", "pad_value"),
    "binary_conv": (*_WINDOW, "dilation", "groups", "weight", "pool_kernel", "pool_stride"),
    "max_pool": _WINDOW,
    "avg_pool": (*_WINDOW, "count_padding"),
    "global_mean": (),
    "identity": (),
}
"""Operations that have a counterpart, and their keys that may differ from the defaults."""


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

    Raises ValueError for what has no counterpart here: some operations, keys and steps, grouped
    binary convolutions, and images that are padded with values that differ from node to node.
    """
    translation = _Translation(graph, constants)
    height, width, channels = graph.inputs[0].shape
    parameter = opset13.parameter([batch, channels, height, width], np.float32)
    translation.values[0] = parameter
    for node, written in graph.written():
        translation.add(node, written)
    output = translation.values[graph.outputs[0].tensor]
    model = ov.Model([output], [parameter], "signbit")
    return Translated(model, translation.offset.reshape(1, -1, 1, 1))


def translate_node(
    graph: Graph, constants: Mapping[str, Array], node: Node, written: range, batch: int = 1
) -> Translated:
    """One node: its inputs, in their order, to its outputs; signs are given and got as -1, +1.

    written: the numbers of its outputs.
    """
    translation = _Translation(graph, constants)
    parameters = []
    for number in node.inputs:
        kind, (height, width, channels) = translation.tensors[number]
        parameters.append(opset13.parameter([batch, channels, height, width], np.float32))
        translation.values[number] = parameters[-1]
        if kind == "bits":
            translation.add_signs(number, parameters[-1], np.zeros(channels, np.float32))
    translation.add(node, written)
    outputs = [translation.signs.get(number, translation.values[number]) for number in written]
    model = ov.Model(outputs, parameters, node.name)
    return Translated(model, translation.offset.reshape(1, -1, 1, 1))


class _Translation:
    """Holds the graph's tensors as OpenVINO values while nodes are added in their order."""

    def __init__(self, graph: Graph, constants: Mapping[str, Array]) -> None:
        self.graph = graph
        self.constants = constants
        self.tensors: Sequence[Tensor] = validate(graph, constants)
        self.offset = _offset(graph, constants)
        self.values: dict[int, Value] = {}
        """Reals as they are; bits as {0, 1}, 1 where the sign is +1."""
        self.signs: dict[int, Value] = {}
        """Bits once more, as -1 and +1, for whatever is no binary convolution."""
        self.labelled: set[str] = set()

    def add(self, node: Node, written: range) -> None:
        if node.op not in _KNOWN or set(node.keys) - {*_KNOWN[node.op]}:
            raise ValueError(f"{node.name}: no counterpart of this {node.op}")
        after = [getattr(self, f"_{node.op}")(node)]
        for step in node.steps:
            after.append(self._step(node, step, after[-1], self.tensors[written[0]]))
        for number, output in zip(written, node.outputs, strict=True):
            value = after[-1 if output.after is None else output.after]
            if output.kind == "real":
                self.values[number] = value
            else:
                channels = self.tensors[number].shape[2]
                threshold, flip = (
                    np.zeros(channels, np.float32) if n is None else self.constants[str(n)]
                    for n in (output.threshold, output.flip)
                )
                self.add_signs(number, value, threshold, flip)
            self._label(node, self.values[number])

    def _step(self, node: Node, step: Step, value: Value, target: Tensor) -> Value:
        if step.op == "offset":
            return opset13.add(value, _channels(self.constants[str(step["value"])]))
        if step.op == "affine" and not step["row_taps"]:
            value = opset13.multiply(value, _channels(self.constants[str(step["scale"])]))
            return opset13.add(value, _channels(self.constants[str(step["shift"])]))
        if step.op == "add" and step["repeat"] == "none":
            operand = self._shortcut(step, node.inputs[step["input"]], target)
            if step["weighted"] is not None:
                weighted = _channels(self.constants[str(step["weighted"])])
                operand = opset13.multiply(operand, weighted)
            return opset13.add(value, operand)
        if step.op == "relu":
            return opset13.relu(value)
        if step.op == "hardtanh":
            return opset13.clamp(value, -1.0, 1.0)
        if step.op == "prelu":
            return opset13.prelu(value, _constant(self.constants[str(step["slope"])]))
        if step.op == "sigmoid":
            return opset13.sigmoid(value)
        raise ValueError(f"{node.name}: no counterpart of the step {step.op}")

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
        words = self.constants[str(node["weight"])]
        padded = node["pad_value"] is not None and any(node["padding"])
        if words.dtype == np.uint64 or (padded and node.inputs[0] != 0):
            raise ValueError(f"{node.name}: no counterpart of packed weights or padded reals")
        weight = words.astype(np.float32).transpose(0, 3, 1, 2)
        source, groups = self._source(node), node["groups"]
        if groups == 1:
            value = opset13.convolution(source, _constant(weight), *_windows(node))
        else:
            weight = weight.reshape(groups, weight.shape[0] // groups, *weight.shape[1:])
            value = opset13.group_convolution(source, _constant(weight), *_windows(node))
        if node.inputs[0] == 0 and self.offset.any():
            sums = weight.reshape(weight.shape[0], -1, *weight.shape[-2:]).sum((2, 3))
            value = opset13.add(value, _channels(sums @ self.offset))
        return value

    def _binary_conv(self, node: Node) -> Value:
        if node["groups"] != 1:
            raise ValueError(f"{node.name}: OpenVINO has no grouped binary convolution")
        kernel, channels = node["kernel"], self.tensors[node.inputs[0]].shape[2]
        words = self.constants[str(node["weight"])]
        negative = unpack_bits(words, kernel[0] * kernel[1] * channels)
        negative = negative.reshape(-1, *kernel, channels).transpose(0, 3, 1, 2)
        packed = np.packbits(~negative.reshape(-1), bitorder="little")
        tensor = ov.Tensor(packed, list(negative.shape), ov.Type.u1)
        # Not shared: the constant would outlive the array it points into.
        weight = ov.op.Constant(tensor, shared_memory=False)
        value = opset1.binary_convolution(
            self.values[node.inputs[0]], weight, *_windows(node), "xnor-popcount", 0.0
        )
        if node["pool_kernel"] != (1, 1) or node["pool_stride"] != (1, 1):
            value = _max_pool(value, node["pool_kernel"], node["pool_stride"], (0, 0, 0, 0))
        return value

    def _max_pool(self, node: Node) -> Value:
        return _max_pool(self._source(node), node["kernel"], node["stride"], node["padding"])

    def _avg_pool(self, node: Node) -> Value:
        stride, before, after, _ = _windows(node)
        outside = not node["count_padding"]
        source = self._source(node)
        return opset13.avg_pool(source, stride, before, after, list(node["kernel"]), outside)

    def _global_mean(self, node: Node) -> Value:
        axes = ov.op.Constant(np.array([2, 3], np.int64))
        return opset13.reduce_mean(self._source(node), axes, keep_dims=True)

    def _identity(self, node: Node) -> Value:
        source = self._source(node)
        if node.inputs[0] == 0 and self.offset.any():
            source = opset13.add(source, _channels(self.offset))
        return source

    def _source(self, node: Node) -> Value:
        """What a node reads, signs as -1 and +1."""
        return self.signs.get(node.inputs[0], self.values[node.inputs[0]])

    def add_signs(
        self, number: int, value: Value, threshold: Array, flip: Array | None = None
    ) -> None:
        """+1 where value > the largest float below the threshold, or where not, if it flips."""
        threshold = threshold.astype(np.float32)
        # Below ±0.0 the largest float is a subnormal, which vector units may read as 0.
        next_below = np.nextafter(threshold, np.float32(-np.inf))
        below = np.where(threshold == 0, -np.finfo(np.float32).tiny, next_below)
        limit = _channels(below.astype(np.float32))
        flips = np.zeros_like(below) if flip is None else flip.astype(np.float32)
        low, high = _channels(flips), _channels(1 - flips)
        self.values[number] = opset13.fake_quantize(value, limit, limit, low, high, 2)
        low, high = _channels(2 * flips - 1), _channels(1 - 2 * flips)
        self.signs[number] = opset13.select(opset13.greater(value, limit), high, low)

    def _shortcut(self, step: Step, number: int, target: Tensor) -> Value:
        """What an addition reads of a tensor, as it is added."""
        value, every = self.values[number], step["every"]
        *size, channels = self.tensors[number].shape
        *wanted, width = target.shape
        before = min(step["offset"], width)
        kept = min(channels, width - before)
        if kept == 0:
            return _scalar(0)
        if every != (0, 0) and size != wanted:
            end = [(n - 1) * stride + 1 for n, stride in zip(wanted, every, strict=True)]
            value = opset13.slice(
                value, _integers([0, 0]), _integers(end), _integers(every), _integers([2, 3])
            )
        if kept < channels:
            limits = [_integers([number]) for number in (0, kept, 1, 1)]
            value = opset13.slice(value, *limits)
        after = width - before - kept
        if before or after:
            pads = [_integers([0, number, 0, 0]) for number in (before, after)]
            value = opset13.pad(value, *pads, "constant", _scalar(0))
        return value


def _offset(graph: Graph, constants: Mapping[str, Array]) -> Array:
    """What the image is padded with, or zeros."""
    none = np.zeros(graph.inputs[0].shape[2], np.float32)
    paddings = [
        none if node["pad_value"] is None else constants[str(node["pad_value"])].astype(np.float32)
        for node in graph.nodes
        if node.op == "real_conv" and node.inputs[0] == 0 and any(node["padding"])
    ]
    if any((padding != paddings[0]).any() for padding in paddings):
        raise ValueError("the image is padded with different values")
    return paddings[0] if paddings else none


def _windows(node: Node) -> tuple[list[int], list[int], list[int], list[int]]:
    """Strides, padding before and after, dilations."""
    top, left, bottom, right = node["padding"]
    dilation = list(node["dilation"]) if "dilation" in _KNOWN[node.op] else [1, 1]
    return list(node["stride"]), [top, left], [bottom, right], dilation


def _max_pool(value: Value, kernel: Pair, stride: Pair, padding: Sides) -> Value:
    top, left, bottom, right = padding
    return opset1.max_pool(value, list(stride), [top, left], [bottom, right], list(kernel))


def _constant(array: Array) -> Value:
    return ov.op.Constant(np.ascontiguousarray(array, np.float32))


def _channels(array: Array) -> Value:
    return _constant(array.reshape(1, -1, 1, 1))


def _scalar(value: float) -> Value:
    return ov.op.Constant(np.array(value, np.float32))


def _integers(values: Sequence[int]) -> Value:
    return ov.op.Constant(np.array(values, np.int64))
