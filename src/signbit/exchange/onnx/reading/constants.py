"""Nodes that depend on no image, computed in NumPy; results are bounded before they are made."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from signbit.exchange.onnx.reading.call import Call
from signbit.exchange.onnx.reading.file import Array
from signbit.exchange.onnx.reading.quantization import bipolar, quantised
from signbit.exchange.onnx.reading.values import Const, by_dim

__all__ = ["FOLDED", "fold"]

_MOST = 1 << 26
"""Values of one constant that is computed."""

_ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "Abs": np.abs,
    "Add": np.add,
    "Equal": np.equal,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Max": np.maximum,
    "Min": np.minimum,
    "Mul": np.multiply,
    "Neg": np.negative,
    "Not": np.logical_not,
    "Pow": np.power,
    "Reciprocal": np.reciprocal,
    "Sign": np.sign,
    "Sqrt": np.sqrt,
    "Sub": np.subtract,
    "Where": np.where,
}

_TYPES = {1: "f4", 2: "u1", 3: "i1", 5: "i2", 6: "i4", 7: "i8", 9: "?", 10: "f2", 11: "f8"}
"""ONNX's numbers of types."""

_MOVES = ("Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze")


def fold(call: Call) -> Const:
    """The result of a node whose inputs are constants. Raises CompileError where it has none."""
    op = call.node.op
    arrays = [value.array if isinstance(value, Const) else None for value in call.values]
    try:
        with np.errstate(all="ignore"):
            if op in ("BipolarQuant", "Quant", "IntQuant"):
                return _quantised(call)
            given = call.value() if op in _MOVES else None
            array = _computed(call, op, arrays)
            latent = given.latent if isinstance(given, Const) else None
            if latent is not None:
                latent = _computed(call, op, [latent, *arrays[1:]])
            return Const(array, latent, _moved(call) if op == "Add" else None)
    except (ValueError, IndexError, TypeError, KeyError, OverflowError) as error:
        call.refuse(f"cannot be computed of its constants: {str(error).splitlines()[0]}")


def _moved(call: Call) -> tuple[Const, Array] | None:
    """What a sum of quantised signs and numbers by filter consists of; None for another sum."""
    for place in (0, 1):
        given, added = call.value(place), call.constant(1 - place, "summand").astype(np.float32)
        if isinstance(given, Const) and given.latent is not None and given.array.ndim:
            offset = by_dim(added, given.shape, 0)
            return None if offset is None else (given, np.broadcast_to(offset, len(given.array)))
    return None


def _quantised(call: Call) -> Const:
    x = call.constant(0, "input").astype(np.float32)
    scale = call.constant(1, "scale").astype(np.float32)
    _bounded(np.broadcast_shapes(x.shape, scale.shape))
    if call.node.op == "BipolarQuant":
        return Const(bipolar(x, scale), x)
    quantiser = quantised(call)
    return Const(quantiser(x), x if quantiser.is_sign and not quantiser.zero.any() else None)


def _computed(call: Call, op: str, arrays: list[Any]) -> Array:
    if op in _ELEMENTWISE:
        _bounded(np.broadcast_shapes(*(each.shape for each in arrays)))
        return np.asarray(_ELEMENTWISE[op](*arrays))
    return np.asarray(FOLDED[op](call, *arrays))


def _bounded(shape: tuple[int, ...]) -> tuple[int, ...]:
    if min(shape, default=0) < 0 or math.prod(shape) > _MOST:
        raise ValueError(f"a result of shape {shape} is absurd")
    return shape


def _constant(call: Call) -> Any:
    for name, kind in (("value_float", "f4"), ("value_floats", "f4"), ("value_ints", "i8")):
        if name in call.node.attributes:
            return np.array(call.attribute(name), kind)
    if "value_int" in call.node.attributes:
        return np.array(call.attribute("value_int"), "i8")
    return call.node.attributes["value"]


def _constant_of_shape(call: Call, shape: Array) -> Any:
    value = call.attribute("value", np.zeros(1, np.float32))
    return np.full(_bounded(tuple(int(side) for side in shape)), value.reshape(-1)[0])


def _divided(call: Call, a: Array, b: Array) -> Any:
    _bounded(np.broadcast_shapes(a.shape, b.shape))
    if a.dtype.kind in "iu":
        return np.trunc(a / b).astype(a.dtype)
    return a / b


def _cast(call: Call, x: Array) -> Any:
    return x.astype(_TYPES[call.attribute("to")])


def _gather(call: Call, x: Array, places: Array) -> Any:
    axis = call.attribute("axis", 0)
    _bounded((*x.shape[:axis], *places.shape, *x.shape[axis:][1:]))
    return np.take(x, places, axis)


def _concatenated(call: Call, *arrays: Array) -> Any:
    _bounded((sum(each.size for each in arrays),))
    return np.concatenate(arrays, call.attribute("axis"))


def _reshaped(call: Call, x: Array, shape: Array) -> Any:
    sizes = [x.shape[at] if size == 0 else int(size) for at, size in enumerate(shape)]
    return x.reshape(sizes)


def _squeezed(call: Call, x: Array, *_: Array) -> Any:
    axes = call.option("axes", 1)
    return np.squeeze(x, None if axes is None else tuple(np.atleast_1d(axes)))


def _unsqueezed(call: Call, x: Array, *_: Array) -> Any:
    return np.expand_dims(x, tuple(np.atleast_1d(call.option("axes", 1))))


def _sliced(call: Call, x: Array, *_: Array) -> Any:
    starts, ends = call.option("starts", 1), call.option("ends", 2)
    axes = call.option("axes", 3) or list(range(len(starts)))
    steps = call.option("steps", 4) or [1] * len(starts)
    places = [slice(None)] * x.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        places[axis] = slice(start, end if end > -(2**31) else None, step)
    return x[tuple(places)]


def _clipped(call: Call, x: Array, *bounds: Array | None) -> Any:
    low, high = (call.option(name, place) for name, place in (("min", 1), ("max", 2)))
    return np.clip(x, low, high).astype(x.dtype)


def _expanded(call: Call, x: Array, shape: Array) -> Any:
    sizes = np.broadcast_shapes(x.shape, tuple(int(side) for side in shape))
    return np.broadcast_to(x, _bounded(sizes))


FOLDED: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(_ELEMENTWISE, _computed),
    **dict.fromkeys(("BipolarQuant", "IntQuant", "Quant"), _computed),
    "Cast": _cast,
    "Clip": _clipped,
    "Concat": _concatenated,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Div": _divided,
    "Expand": _expanded,
    "Gather": _gather,
    "Identity": lambda call, x: x,
    "Reshape": _reshaped,
    "Shape": lambda call, x: np.array(x.shape, np.int64),
    "Slice": _sliced,
    "Squeeze": _squeezed,
    "Transpose": lambda call, x: np.transpose(x, call.attribute("perm")),
    "Unsqueeze": _unsqueezed,
}
"""Operation → what computes it of (call, arrays)."""
