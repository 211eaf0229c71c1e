"""Functions of single values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from signbit.exchange.onnx.reading.call import Call
from signbit.exchange.onnx.reading.nodes.arithmetic import of_pixels
from signbit.exchange.onnx.reading.values import Value, scalar

__all__ = ["NODES"]


def _plain(op: str) -> Callable[[Call], Value]:
    return lambda call: call.emit(op, call.real())


def _clip(call: Call) -> Value:
    bounds: dict[str, Any] = {}
    for key, name, place in (("low", "min", 1), ("high", "max", 2)):
        bound = call.option(name, place)
        if bound is not None:
            bounds[key] = _one(call, bound)
    real = call.real()
    if not bounds:
        return real
    low, high = bounds.get("low"), bounds.get("high")
    result = call.emit("clip", real, args=bounds)
    return of_pixels(call, result, real, lambda table: np.clip(table, low, high))


def _bounded_by(key: str) -> Callable[[Call], Value]:
    """Max and Min of a value and a number."""

    def mapped(call: Call) -> Value:
        if len(call.values) != 2:
            return call.refuse("compares other than two values")
        place = 0 if not hasattr(call.value(1), "array") else 1
        bound = scalar(call.constant(place, "bound"))
        if bound is None:
            return call.refuse("has a bound that is not one number")
        return call.emit("clip", call.real(1 - place), args={key: float(bound)})

    return mapped


def _one(call: Call, bound: Any) -> float:
    number = scalar(np.asarray(bound))
    if number is None:
        call.refuse("has a bound that is not one number")
    return float(number)


def _leaky_relu(call: Call) -> Value:
    return call.emit("leaky_relu", call.real(), args={"slope": call.attribute("alpha", 0.01)})


def _prelu(call: Call) -> Value:
    real, slope = call.real(), call.constant(1, "slope")
    shape = (*(1,) * (len(real.shape) - slope.ndim), *slope.shape)
    if slope.size not in (1, real.shape[1]) or slope.size != shape[1]:
        call.refuse("has slopes that are not one for each channel, or one for all")
    args = {"num_parameters": slope.size}
    return call.emit("prelu", real, args=args, tensors={"weight": slope.reshape(-1)})


def _hard_sigmoid(call: Call) -> Value:
    alpha, beta = call.attribute("alpha", 0.2), call.attribute("beta", 0.5)
    if abs(alpha * 6 - 1) > 1e-6 or beta != 0.5:
        call.refuse(
            f"has the slope {alpha:g} and the middle {beta:g}", "signbit has PyTorch's, 1/6 and 1/2"
        )
    return call.emit("hard_sigmoid", call.real())


def _gelu(call: Call) -> Value:
    if call.attribute("approximate", "none") != "none":
        call.refuse("approximates", 'signbit has the exact one, approximate="none"')
    return call.emit("gelu", call.real())


def _softmax(call: Call) -> Value:
    real = call.real()
    rank = len(real.shape)
    dim = call.dim(call.attribute("axis", 1 if call.opset < 13 else -1), rank)
    if call.opset < 13 and dim != rank - 1:
        call.refuse("goes over several dimensions at once, as before opset 13")
    return call.emit("softmax", real, args={"dim": dim})


NODES: dict[str, Callable[[Call], Value]] = {
    "Abs": _plain("abs"),
    "Clip": _clip,
    "Gelu": _gelu,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _plain("hard_swish"),
    "LeakyRelu": _leaky_relu,
    "Max": _bounded_by("low"),
    "Min": _bounded_by("high"),
    "PRelu": _prelu,
    "Relu": _plain("relu"),
    "Sigmoid": _plain("sigmoid"),
    "Softmax": _softmax,
    "Tanh": _plain("tanh"),
}
