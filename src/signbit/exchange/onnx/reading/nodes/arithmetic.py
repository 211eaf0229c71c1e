"""Sums, products and their kind, of values and constants.

A value of few levels times or plus one number has as many levels; a value that is a function of the
pixel stays one under any constant per channel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from signbit.exchange.onnx.reading.call import Call
from signbit.exchange.onnx.reading.file import Array
from signbit.exchange.onnx.reading.values import Const, Levels, Pixels, Real, Value, by_dim, scalar

__all__ = ["NODES", "of_pixels", "with_constant"]

_FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
}


def _binary(op: str) -> Callable[[Call], Value]:
    def mapped(call: Call) -> Value:
        first, second = call.value(0), call.value(1)
        if op == "multiply" and (product := _by_own_sign(call)) is not None:
            return product
        if isinstance(second, Const):
            return with_constant(call, op, first, second.array)
        if isinstance(first, Const):
            return with_constant(call, op, second, first.array, reverse=True)
        return call.emit(op, call.real(0), call.real(1))

    return mapped


def _by_own_sign(call: Call) -> Real | None:
    """A value times one of two numbers by channel, of which its own sign chooses; or None."""
    for place in (0, 1):
        value, choice = call.value(place), call.builder.choices.get(call.node.inputs[1 - place])
        if choice is not None and isinstance(value, Real) and choice.source == value.name:
            count = value.shape[1]
            tensors = {"negative": choice.below, "positive": choice.above}
            shaped = {name: np.broadcast_to(each, count) for name, each in tensors.items()}
            return call.emit("maxout", value, args={"channels": count}, tensors=shaped)
    return None


def with_constant(
    call: Call, op: str, value: Const | Real | Levels, constant: Array, *, reverse: bool = False
) -> Value:
    """value op constant, or constant op value."""
    number = scalar(constant)
    if isinstance(value, Levels):
        each = by_dim(constant.astype(np.float32), value.shape, value.axis)
        if each is not None and np.isfinite(each).all():
            factor, shift = _affine(op, float(each[0]), reverse)
            if factor and len(each) == 1:
                return value.affine(factor, shift)
            is_turned = bool(factor) and bool((np.abs(each) == abs(factor)).all())
            if op == "multiply" and value.is_sign and is_turned:
                return _flipped(call, value, each)
    real = call.builder.real(value)
    sizes = (*(1,) * (len(real.shape) - constant.ndim), *constant.shape)
    other = call.builder.constant(constant.astype(np.float32), len(real.shape))
    operands = (other, real) if reverse else (real, other)
    result = call.emit(op, *operands)
    pixels = call.builder.pixels.get(real.name)
    by_channel = constant.size == sizes[1] and not (pixels and pixels.moves)
    if pixels is not None and (number is not None or by_channel):
        column = constant.astype(np.float32).reshape(-1, 1)

        def computed(table: Array) -> Array:
            return np.asarray(_FUNCTIONS[op](*((column, table) if reverse else (table, column))))

        of_pixels(call, result, real, computed)
    return result


def _flipped(call: Call, value: Levels, factors: Array) -> Levels:
    """A sign times −a and +a, one for each place of its axis.

    −sign(x − t) is +1 where x < t, so where −x > −t: from the float behind −t on.
    """
    falls = factors < 0
    shape = [1] * len(value.shape)
    shape[value.axis] = len(factors)
    signs = np.where(falls, np.float32(-1), np.float32(1)).reshape(shape)
    turned = call.builder.constant(signs, len(shape))
    limits = value.each(len(factors))
    behind = np.nextafter(-limits, np.float32(np.inf))
    return replace(
        value,
        source=call.emit("multiply", value.source, turned),
        thresholds=np.where(falls, behind, limits),
        scale=value.scale * abs(float(factors[0])),
    )


def _affine(op: str, number: float, reverse: bool) -> tuple[float, float]:
    """(factor, shift) of value op number; a factor of 0 where it is no such."""
    if op == "add":
        return 1.0, number
    if op == "subtract":
        return (-1.0, number) if reverse else (1.0, -number)
    if op == "multiply":
        return number, 0.0
    return (0.0 if reverse or not number else 1 / number), 0.0


def of_pixels(call: Call, result: Real, source: Real, function: Callable[[Array], Array]) -> Real:
    """The result, which is remembered as a function of the pixel, where the source is one."""
    pixels = call.builder.pixels.get(source.name)
    if pixels is not None:
        with np.errstate(all="ignore"):
            table = np.asarray(function(pixels.table), np.float32)
        call.builder.pixels[result.name] = Pixels(table, pixels.moves)
    return result


def _negated(call: Call) -> Value:
    value = call.value()
    if isinstance(value, Levels):
        return value.affine(-1.0, 0.0)
    return of_pixels(call, call.emit("negate", call.real()), call.real(), np.negative)


def _power(call: Call) -> Value:
    if call.number(1, "exponent") != 2:
        call.refuse("has an exponent that is not 2", "squares are read")
    real = call.real()
    return of_pixels(call, call.emit("multiply", real, real), real, np.square)


def _same(call: Call) -> Value:
    return call.value()


def _dropout(call: Call) -> Value:
    if call.has(2) and call.number(2, "training mode"):
        call.refuse("is in training mode", "export the network in evaluation mode")
    return call.value()


def _cast(call: Call) -> Value:
    if call.attribute("to") in (1, 10, 11):
        return call.value()
    if isinstance(call.value(), Levels):
        return call.value()  # whole numbers, read as reals
    return call.refuse("makes whole numbers of reals", "a quantiser or a comparison is read")


NODES: dict[str, Callable[[Call], Value]] = {
    "Add": _binary("add"),
    "Cast": _cast,
    "Div": _binary("divide"),
    "Dropout": _dropout,
    "Identity": _same,
    "Mul": _binary("multiply"),
    "Neg": _negated,
    "Pow": _power,
    "Sub": _binary("subtract"),
}
