"""The walk over a file's nodes: constants are computed, the others mapped, refusals collected."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from signbit.data.loading.say import Say, log, once
from signbit.errors import CheckpointError, CompileError, Refusal
from signbit.exchange.imported import ImportedGraph
from signbit.exchange.onnx.reading.builder import Builder
from signbit.exchange.onnx.reading.call import Call, Settings
from signbit.exchange.onnx.reading.constants import FOLDED, fold
from signbit.exchange.onnx.reading.file import Array, OnnxFile, OnnxNode, read_file
from signbit.exchange.onnx.reading.nodes import NODES
from signbit.exchange.onnx.reading.nodes.moves import permuted
from signbit.exchange.onnx.reading.values import Const, Levels, Pixels, Real, Unknown, Value
from signbit.models.graph import IMAGE

__all__ = ["read_onnx"]

_QONNX = ("onnx.brevitas", "qonnx.custom_op.general", "finn.custom_op.general")
_CHANNELS_LAST = "qonnx.custom_op.channels_last"
_OWN = {"BipolarQuant", "IntQuant", "MultiThreshold", "Quant"}
"""The operations that are QONNX's own."""
_MOST_FOLDED = 1 << 30
"""Bytes of all constants that are computed."""


def read_onnx(
    file: str | Path,
    *,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    raw_pixels: bool = False,
    input_size: tuple[int, int] | None = None,
    sign_of_zero: int = 0,
    say: Say = log,
) -> ImportedGraph:
    """The network in an ONNX or QONNX file, as a graph of signbit's own operations.

    mean, std: what the network's pixels are normalised with, (p / 255 − mean) / std, one value or
    one per channel; without, as signbit wrote into the file, or 0 and 1. raw_pixels: the network
    reads pixels from 0 to 255 as they are (a uint8 input always does). input_size: (height, width),
    where the file leaves it open or its input is flat. sign_of_zero: what ONNX's Sign of 0 shall
    be, 0 as in ONNX (which takes two bits), or 1. say: hears of what takes more than it need.

    Raises CheckpointError for a file that is not readable, or is no network of one image and one
    row of scores; CompileError for all operations that have no counterpart, at once.
    """
    model = read_file(Path(file))
    try:
        size, layout = _image(model.input_shape, input_size)
        mean = _each(mean or model.notes.get("mean") or (0.0,), size[2], "mean")
        std = _each(std or model.notes.get("std") or (1.0,), size[2], "std")
        if min(std) <= 0:
            raise CheckpointError(f"std must be above 0, is {std}")
        walk = _Walk(model, size, Settings(mean, std, sign_of_zero, once(say)))
        return walk.run(layout, raw_pixels or model.input_is_bytes)
    except CheckpointError as error:
        raise CheckpointError(f"{file}: {error}") from None


def _each(values: Sequence[float], channels: int, name: str) -> tuple[float, ...]:
    if len(values) not in (1, channels):
        raise CheckpointError(f"{name} needs 1 value or {channels}, has {len(values)}")
    return tuple(map(float, values)) * (channels if len(values) == 1 else 1)


class _Walk:
    def __init__(self, model: OnnxFile, size: tuple[int, int, int], settings: Settings) -> None:
        self.model, self.size, self.settings = model, size, settings
        height, width, channels = size
        self.builder = Builder(Real(IMAGE, (model.input_shape[0] or 1, channels, height, width)))
        self.values: dict[str, Value] = {
            name: Const(array) for name, array in model.constants.items()
        }
        self.refused: list[Refusal] = []
        self.folded = 0

    def run(self, layout: str, raw_pixels: bool) -> ImportedGraph:
        """The graph, once every node is mapped."""
        self.values[self.model.input] = self.image(layout, raw_pixels)
        for node in self.model.nodes:
            self.visit(node)
        if self.refused:
            raise CompileError(*self.refused)
        output = self.values[self.model.output]
        if isinstance(output, Const | Unknown):
            raise CheckpointError("its output does not depend on its input")
        self.builder.where = ("scores", "")
        scores = self.builder.real(output)
        classes = math.prod(scores.shape[1:])
        if len(scores.shape) < 2 or max(scores.shape[1:]) != classes:
            raise CheckpointError(
                f"its output is {list(scores.shape)}; scores, one for each class, are read"
            )
        scores = self.builder.reshape(scores, [classes])
        nodes, state = self.builder.needed(scores.name)
        if not nodes:
            raise CheckpointError("its output is its input: there is nothing to compute")
        names = tuple(self.model.notes.get("class_names", ()))
        return ImportedGraph(
            self.size,
            classes,
            tuple(nodes),
            state,
            self.settings.mean,
            self.settings.std,
            names if len(names) == classes else (),
        )

    def image(self, layout: str, raw_pixels: bool) -> Real:
        """The input as the file has it: channels last or flat, pixels raw or normalised."""
        height, width, channels = self.size
        builder, mean, std = self.builder, self.settings.mean, self.settings.std
        value = builder.image
        if raw_pixels:
            builder.where = ("pixels", "")
            table = np.arange(256, dtype=np.float32)
            args = {"channels": None, "mean": list(mean), "std": list(std)}
            value = builder.emit("pixel_table", [value], args, {"values": table})
            builder.pixels[value.name] = Pixels(table[None])
        else:
            builder.pixels[IMAGE] = Pixels(_normalised(mean, std))
        builder.where = ("image_as_stored", "")
        if layout == "last":
            value = builder.permute(value, (0, 2, 3, 1))
        return builder.reshape(value, [height * width * channels]) if layout == "flat" else value

    def visit(self, node: OnnxNode) -> None:
        """Give the node's outputs their values; unknown ones where it is refused."""
        values = [self.values[name] if name else None for name in node.inputs]
        results: Value = Unknown()
        if not any(isinstance(value, Unknown) for value in values):
            domain = f"{node.domain}." if node.domain else ""
            self.builder.where = (node.name, domain + node.op)
            call = Call(node, values, self.builder, self.model.opset, self.settings)
            try:
                results = self.map(call)
            except CompileError as error:
                self.refused += error.refusals
        for place, name in enumerate(filter(None, node.outputs)):
            self.values[name] = Unknown() if place else results

    def map(self, call: Call) -> Value:
        """What a node yields. Raises CompileError where it is refused."""
        node = call.node
        known = _function(call)
        if node.op == "Shape" and not isinstance(call.value(), Const):
            return Const(np.array(call.value().shape, np.int64))
        if all(isinstance(value, Const | None) for value in call.values):
            if node.op not in FOLDED:
                call.refuse("of constants alone is not computed")
            result = fold(call)
            self.folded += result.array.nbytes
            if self.folded > _MOST_FOLDED:
                call.refuse("its constants, and those before it, take more than 1 GiB")
            return result
        if known is None:
            call.refuse("has no counterpart in signbit")
        return known(call)


def _function(call: Call) -> Callable[[Call], Value] | None:
    """What maps the node; None where only constants have it. CompileError for a strange domain."""
    domain, op = call.node.domain, call.node.op
    if domain == _CHANNELS_LAST and op in ("BatchNormalization", "Conv", "MaxPool"):
        return lambda inner: _channels_last(inner, NODES[op])
    if op == "MaxPoolNHWC" and domain in _QONNX:
        pool = replace(call.node, op="MaxPool")
        return lambda inner: _channels_last(replace(inner, node=pool), NODES["MaxPool"])
    if domain in _QONNX if op in _OWN else domain in ("", "ai.onnx"):
        return NODES.get(op)
    return call.refuse("is no operation of ONNX or QONNX: only these are read")


def _channels_last(call: Call, function: Callable[[Call], Value]) -> Value:
    """An operation whose maps have their channels last, between two orders of dimensions."""
    value = call.value()
    if isinstance(value, Const) or len(value.shape) != 4:
        return call.refuse("is of maps with channels last, and reads none")
    first = permuted(call, value, (0, 3, 1, 2))
    result = function(replace(call, values=[first, *call.values[1:]]))
    assert isinstance(result, Real | Levels)
    return permuted(call, result, (0, 2, 3, 1))


def _image(
    shape: tuple[int | None, ...], size: tuple[int, int] | None
) -> tuple[tuple[int, int, int], str]:
    """(height, width, channels) of the images, and "first", "last" or "flat"."""
    if len(shape) == 4:
        _, *sides = shape
        is_last = sides[0] not in (1, 3) and sides[2] in (1, 3)
        height, width, channels = sides if is_last else (*sides[1:], sides[0])
        height, width = (height or size[0], width or size[1]) if size else (height, width)
        if height and width and channels in (1, 3) and size in (None, (height, width)):
            return (height, width, channels), "last" if is_last else "first"
    elif len(shape) == 2 and shape[1]:
        for channels in (1, 3):
            side = math.isqrt(shape[1] // channels)
            height, width = size or (side, side)
            if height * width * channels == shape[1]:
                return (height, width, channels), "flat"
    raise CheckpointError(
        f"its input is {[each or '?' for each in shape]}; images of 1 or 3 channels are read, as "
        "maps or flat; where their size is open or not square, give it (--input-size)"
    )


def _normalised(mean: tuple[float, ...], std: tuple[float, ...]) -> Array:
    """(p / 255 − mean) / std of every pixel p, as training computes it; one row where all agree."""
    pixels = np.arange(256, dtype=np.float32) / np.float32(255)
    columns = (np.array(each, np.float32).reshape(-1, 1) for each in (mean, std))
    table = (pixels - next(columns)) / next(columns)
    return table[:1] if (table == table[:1]).all() else table
