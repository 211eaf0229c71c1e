"""What each step behind an operation is in ONNX."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.bitformat.taps import axis_taps
from signbit.compiler.ir import Node, Step
from signbit.exchange.onnx.writing.writer import Writer

__all__ = ["STEPS"]


def _affine(writer: Writer, node: Node, step: Step, value: str, rank: int) -> str:
    scale, shift = step["scale"], _shift(writer, node, step)
    if (scale != 1).any():
        op, factor = _product(scale)
        value = writer.add(op, value, writer.per_channel(factor, rank))
    if shift.ndim > 1:
        return writer.add("Add", value, writer.constant(shift))
    return _plus(writer, value, shift, rank) if shift.any() else value


def _product(scale: npt.NDArray[np.float64]) -> tuple[str, npt.NDArray[np.float64]]:
    """ "Div" where PyTorch divides by float32s, of which the scale is the quotient; else "Mul"."""
    with np.errstate(all="ignore"):
        divisor = (1 / scale).astype(np.float32).astype(np.float64)
        is_divided = (1 / divisor == scale).all() and (scale.astype(np.float32) != scale).any()
    return ("Div", divisor) if is_divided else ("Mul", scale)


def _shift(writer: Writer, node: Node, step: Step) -> npt.NDArray[np.float64]:
    """(C,), or by border (C, H, W)."""
    shift: npt.NDArray[np.float64] = step["shift"]
    if not step["row_taps"]:
        return shift
    source = writer.graph[node.input].shape
    places = []
    for axis, name in enumerate(("row_taps", "column_taps")):
        before, after = node["padding"][axis], node["padding"][axis + 2]
        along = node["kernel"][axis], node["stride"][axis], before, after, node["dilation"][axis]
        taps = axis_taps(source[axis], *along)
        places.append([step[name].index(taps.sets[place]) for place in taps.by_position])
    return shift[np.ix_(*places)].transpose(2, 0, 1)


def _plus(writer: Writer, value: str, by_channel: npt.NDArray[np.float64], rank: int) -> str:
    return writer.add("Add", value, writer.per_channel(by_channel, rank))


def _offset(writer: Writer, node: Node, step: Step, value: str, rank: int) -> str:
    return _plus(writer, value, step["value"], rank)


def _operand(writer: Writer, node: Node, step: Step, rank: int) -> str:
    """The other value, with the channels that this one's meet; pixels are broadcast."""
    name = node.operand(step)
    value, channels = writer.read(name, rank), writer.graph[name].shape.channels
    if step["repeat"] == "none" or channels == 1:
        return value
    wanted = np.arange(node.shape.channels)
    tiled = step["repeat"] == "tile"
    places = wanted % channels if tiled else wanted // (len(wanted) // channels)
    return writer.add("Gather", value, writer.integers(*places), axis=1)


def _add(writer: Writer, node: Node, step: Step, value: str, rank: int) -> str:
    other = _operand(writer, node, step, rank)
    if step["weighted"] is not None:
        other = writer.add("Mul", other, writer.per_channel(step["weighted"], rank))
    return writer.add("Add", value, other)


def _with_operand(op: str) -> Written:
    def write(writer: Writer, node: Node, step: Step, value: str, rank: int) -> str:
        return writer.add(op, value, _operand(writer, node, step, rank))

    return write


def _clip(writer: Writer, node: Node, step: Step, value: str, rank: int) -> str:
    low, high = step["low"], step["high"]
    if (low == low[0]).all() and (high == high[0]).all():
        return writer.add("Clip", value, writer.constant(low[0]), writer.constant(high[0]))
    least = writer.add("Max", value, writer.per_channel(low, rank))
    return writer.add("Min", least, writer.per_channel(high, rank))


def _hardtanh(writer: Writer, node: Node, step: Step, value: str, rank: int) -> str:
    return writer.add("Clip", value, writer.constant(-1.0), writer.constant(1.0))


def _prelu(writer: Writer, node: Node, step: Step, value: str, rank: int) -> str:
    return writer.add("PRelu", value, writer.per_channel(step["slope"], rank))


def _maxout(writer: Writer, node: Node, step: Step, value: str, rank: int) -> str:
    slopes = (writer.per_channel(step[name], rank) for name in ("slope", "positive_slope"))
    below = writer.add("Less", value, writer.constant(0.0))
    return writer.add("Mul", value, writer.add("Where", below, *slopes))


def _silu(writer: Writer, node: Node, step: Step, value: str, rank: int) -> str:
    return writer.add("Mul", value, writer.add("Sigmoid", value))


def _gelu(writer: Writer, node: Node, step: Step, value: str, rank: int) -> str:
    scaled = writer.add("Mul", value, writer.constant(np.sqrt(0.5)))
    share = writer.add("Add", writer.add("Erf", scaled), writer.constant(1.0))
    return writer.add("Mul", writer.add("Mul", value, writer.constant(0.5)), share)


def _of_itself(op: str, **attributes: Any) -> Written:
    def write(writer: Writer, node: Node, step: Step, value: str, rank: int) -> str:
        return writer.add(op, value, **attributes)

    return write


Written = Callable[[Writer, Node, Step, str, int], str]

STEPS: Mapping[str, Written] = {
    "add": _add,
    "affine": _affine,
    "clip": _clip,
    "gelu": _gelu,
    "hard_sigmoid": _of_itself("HardSigmoid", alpha=1 / 6, beta=0.5),
    "hardswish": _of_itself("HardSwish"),
    "hardtanh": _hardtanh,
    "maxout": _maxout,
    "multiply": _with_operand("Mul"),
    "offset": _offset,
    "prelu": _prelu,
    "relu": _of_itself("Relu"),
    "sigmoid": _of_itself("Sigmoid"),
    "silu": _silu,
    "subtract": _with_operand("Sub"),
    "tanh": _of_itself("Tanh"),
}
"""Name of a step → its function: of the writer, the node, the step, the value so far and its rank,
the name of the value behind it."""
