"""What moves values and computes none: shapes, orders, parts, joins and rows around a map.

A value of few levels stays one: its source moves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from signbit.exchange.onnx.reading.call import Call
from signbit.exchange.onnx.reading.values import Const, Levels, Real, Value

__all__ = ["NODES", "permuted"]


def permuted(call: Call, value: Const | Real | Levels, dims: Sequence[int]) -> Real | Levels:
    """The value with its dimensions in another order."""
    if isinstance(value, Levels):
        source = call.builder.permute(value.source, dims)
        return replace(value, source=source, axis=list(dims).index(value.axis))
    return call.builder.permute(call.builder.real(value), dims)


def _reshaped(call: Call, shape: Sequence[int]) -> Value:
    """shape: with the images' dimension, which has to stay as it is."""
    value = call.value()
    assert not isinstance(value, Const)
    images = call.builder.batch
    if tuple(shape[:1]) != (images,):
        call.refuse(f"makes {list(shape)} of {list(value.shape)}: images are mixed with the rest")
    if math.prod(shape) != math.prod(value.shape):
        call.refuse(f"makes {list(shape)} of {list(value.shape)}, which has other values")
    if isinstance(value, Real):
        return call.builder.reshape(value, shape[1:])
    limits, channels = value.thresholds, value.shape[value.axis]
    if limits.shape[1] == 1:
        axis = min(value.axis, len(shape) - 1)
        return replace(value, source=call.builder.reshape(value.source, shape[1:]), axis=axis)
    if value.axis == 1 and len(shape) == 2:
        limits = np.repeat(limits, shape[1] // channels, axis=1)
    elif value.axis != 1 or shape[1] != channels:
        return call.builder.reshape(call.builder.real(value), shape[1:])
    return replace(
        value, source=call.builder.reshape(value.source, shape[1:]), thresholds=limits, axis=1
    )


def _reshape(call: Call) -> Value:
    target = call.option("shape", 1)
    old = call.value().shape
    keeps = not call.attribute("allowzero", 0)
    sizes = [
        old[at] if size == 0 and keeps and at < len(old) else int(size)
        for at, size in enumerate(target)
    ]
    if sizes.count(-1) == 1:
        known = -math.prod(sizes)
        sizes[sizes.index(-1)] = math.prod(old) // known if known else 0
    return _reshaped(call, sizes)


def _flatten(call: Call) -> Value:
    shape = call.value().shape
    axis = call.dim(call.attribute("axis", 1), len(shape) + 1)
    return _reshaped(call, (math.prod(shape[:axis]), math.prod(shape[axis:])))


def _squeeze(call: Call) -> Value:
    shape = call.value().shape
    axes = call.option("axes", 1)
    if axes is None:
        call.refuse("leaves out every dimension of one, the images' among them")
    places = {call.dim(axis, len(shape)) for axis in axes}
    if any(shape[place] != 1 for place in places):
        call.refuse(f"leaves out dimensions {sorted(places)} of {list(shape)}")
    return _reshaped(call, [size for at, size in enumerate(shape) if at not in places])


def _unsqueeze(call: Call) -> Value:
    left = list(call.value().shape)
    axes = call.option("axes", 1)
    rank = len(left) + len(axes)
    places = {call.dim(axis, rank) for axis in axes}
    return _reshaped(call, [1 if at in places else left.pop(0) for at in range(rank)])


def _transpose(call: Call) -> Value:
    value = call.value()
    rank = len(value.shape)
    dims = call.pairs("perm", range(rank)[::-1])
    if sorted(dims) != list(range(rank)) or dims[0] != 0:
        call.refuse(f"puts dimensions in the order {list(dims)}", "the images' stays the first")
    return permuted(call, value, dims)


def _concat(call: Call) -> Value:
    values = [call.value(place) for place in range(len(call.values))]
    if any(isinstance(value, Const) for value in values):
        call.refuse("joins constants with values of the image")
    dim = call.dim(call.attribute("axis"), len(values[0].shape))
    args = {"dim": dim}
    first, *others = values
    levels = [each for each in values if isinstance(each, Levels)]
    kinds = {(each.weights, each.offset, each.scale, each.axis) for each in levels}
    if (
        isinstance(first, Levels)
        and len(levels) == len(values)
        and len(kinds) == 1 == dim == first.axis
    ):
        source = call.emit("concatenate", *(each.source for each in levels), args=args)
        limits = np.concatenate([each.each(each.shape[1]) for each in levels], 1)
        same = (limits == limits[:, :1]).all()
        return replace(first, source=source, thresholds=limits[:, :1] if same else limits)
    reals = [call.builder.real(value) for value in (first, *others)]
    return call.emit("concatenate", *reals, args=args)


def _slice(call: Call) -> Value:
    starts, ends = call.option("starts", 1), call.option("ends", 2)
    axes = call.option("axes", 3) or list(range(len(starts)))
    steps = call.option("steps", 4) or [1] * len(starts)
    value = call.value()
    assert not isinstance(value, Const)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        place = call.dim(axis, len(value.shape), images=True)
        size = value.shape[place]
        first, last, _ = slice(start, end, step).indices(size)
        if place == 0 and (first, last, step) != (0, size, 1):
            call.refuse("takes some of the images")
        if step < 1 or first >= last:
            call.refuse("goes backwards, or takes nothing")
        if (first, last, step) != (0, size, 1):
            value = _part(call, value, place, range(first, last, step))
    return value


def _part(call: Call, value: Real | Levels, dim: int, taken: range) -> Real | Levels:
    args = {"dim": dim, "start": taken.start, "stop": taken.stop, "step": taken.step}
    if not isinstance(value, Levels):
        return call.emit("slice", value, args=args)
    limits = value.thresholds
    if dim == value.axis and limits.shape[1] > 1:
        limits = limits[:, list(taken)]
    return replace(value, source=call.emit("slice", value.source, args=args), thresholds=limits)


def _pad(call: Call) -> Value:
    mode = call.attribute("mode", "constant")
    sides = call.option("pads", 1)
    real = call.real()
    rank = len(real.shape)
    if mode != "constant" or call.has(3) or sides is None or len(sides) != 2 * rank:
        call.refuse(f"pads by {mode}, or some dimensions alone", "all, with a constant, are read")
    if min(sides) < 0 or sides[0] or sides[rank]:
        call.refuse(f"pads by {sides}", "none negative, and none of the images', is read")
    fill = call.option("value", 2, 0.0)
    both = [side for at in range(rank - 1, 0, -1) for side in (sides[at], sides[at + rank])]
    while both[-2:] == [0, 0]:
        both = both[:-2]
    fill = float(np.asarray(fill).reshape(-1)[0])
    return call.emit("pad", real, args={"sides": both, "value": fill}) if both else real


NODES: dict[str, Callable[[Call], Value]] = {
    "Concat": _concat,
    "Flatten": _flatten,
    "Pad": _pad,
    "Reshape": _reshape,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
