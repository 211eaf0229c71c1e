"""Comparisons, and what chooses by them: the patterns that plain ONNX writes signs with.

What is true is 1, what is false 0. The sign of 0 is as each pattern has it, exactly: `x >= 0` is
true there and `x > 0` is not. ONNX's own Sign gives 0 for 0, so it has three values here, by two
thresholds, unless the caller says that 0 shall be +1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from signbit.exchange.onnx.reading.call import Call
from signbit.exchange.onnx.reading.file import Array
from signbit.exchange.onnx.reading.nodes.arithmetic import with_constant
from signbit.exchange.onnx.reading.values import (
    Choice,
    Const,
    Levels,
    Real,
    Value,
    by_dim,
    scalar,
)

__all__ = ["NODES"]

_MIRRORED = {
    "Greater": "Less",
    "GreaterOrEqual": "LessOrEqual",
    "Less": "Greater",
    "LessOrEqual": "GreaterOrEqual",
}


def _compared(call: Call) -> Value:
    """x op t: at t and above, or behind t; the other two are what these are not."""
    op, first, second = call.node.op, call.value(0), call.value(1)
    if isinstance(first, Const):
        op, first, second = _MIRRORED[op], second, first
    if isinstance(second, Const):
        source = call.builder.real(first)
        limits = _limits(call, source, second.array)
    else:
        source = call.emit("subtract", call.builder.real(first), call.builder.real(second))
        limits = np.zeros((1, 1), np.float32)
    if op in ("Greater", "LessOrEqual"):
        limits = np.nextafter(limits, np.float32(np.inf))
    truth = Levels.of(source, limits, (0.5,), 0.5)
    return truth if op.startswith("Greater") else truth.affine(-1.0, 1.0)


def _limits(call: Call, source: Real, bound: Array) -> Array:
    """The constant that a value is compared with, (1, 1) or (1, channels)."""
    limits = by_dim(bound.astype(np.float32), source.shape, 1)
    if limits is None:
        call.refuse("compares with other constants than one for each channel, or one for all")
    return limits.reshape(1, -1)


def _not(call: Call) -> Value:
    value = call.value()
    if not isinstance(value, Levels):
        return call.refuse("is of no comparison")
    return value.affine(-1.0, 1.0)


def _where(call: Call) -> Value:
    truth = call.value(0)
    if not isinstance(truth, Levels) or truth.two() not in ((0.0, 1.0), (1.0, 0.0)):
        return call.refuse("chooses by what is no comparison with a constant")
    yes, no = (call.constant(place, "choice").astype(np.float32) for place in (1, 2))
    numbers = [by_dim(each, truth.shape, truth.axis) for each in (yes, no)]
    _note(call, truth, *numbers)
    one, other = (None if each is None else scalar(each) for each in numbers)
    if one is not None and other is not None:
        if one == other:
            return call.refuse("chooses between two equal numbers")
        return truth.affine(one - other, other)
    if np.array_equal(yes, -no):
        return with_constant(call, "multiply", truth.affine(2.0, -1.0), yes)
    with np.errstate(all="ignore"):
        product = with_constant(call, "multiply", truth, yes - no)
    assert not isinstance(product, Const)
    return with_constant(call, "add", product, no)  # type: ignore[arg-type]


def _note(call: Call, truth: Levels, yes: Array | None, no: Array | None) -> None:
    """Remember a choice between two numbers by the sign of a value, which may meet that value."""
    behind = np.nextafter(np.float32(0), np.float32(1))  # 0 times either number is 0
    by_sign = truth.axis == 1 and bool(np.isin(truth.thresholds, (0, behind)).all())
    if by_sign and yes is not None and no is not None:
        below, above = (no, yes) if truth.two() == (0.0, 1.0) else (yes, no)
        choice = Choice(truth.source.name, below, above)
        call.builder.choices[call.node.outputs[0]] = choice


def _sign(call: Call) -> Value:
    source = call.real()
    if call.settings.sign_of_zero:
        return Levels.of(source, np.zeros((1, 1)), (1.0,), 0.0)
    call.settings.say(
        f"{call.node.name}: ONNX's Sign of 0 is 0, so its values take two bits; with a sign of "
        "zero of 1 (--sign-of-zero 1) they take one"
    )
    behind = np.nextafter(np.float32(0), np.float32(1))
    return Levels.of(source, np.array([[0], [behind]]), (0.5, 0.5), 0.0)


NODES: dict[str, Callable[[Call], Value]] = {
    **dict.fromkeys(_MIRRORED, _compared),
    "Not": _not,
    "Sign": _sign,
    "Where": _where,
}
