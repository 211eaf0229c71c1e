"""The activations among the steps, as functions of v and of their constants, as docs/format.md
words them. The reference engine runs them, and the compiler evaluates them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from signbit.bitformat.exact import Float32, gelu, sigmoid, silu, tanh

__all__ = ["ACTIVATIONS", "activate"]

_ZERO, _ONE, _THREE, _SIX = (np.float32(value) for value in (0, 1, 3, 6))


def _relu(v: Float32) -> Float32:
    return np.where(v < 0, _ZERO, v)


def _clip(v: Float32, low: Float32, high: Float32) -> Float32:
    return np.where(v < low, low, np.where(v > high, high, v))


def _hardtanh(v: Float32) -> Float32:
    return np.where(v < -1, -_ONE, np.where(v > 1, _ONE, v))


def _prelu(v: Float32, slope: Float32) -> Float32:
    return np.where(v < 0, v * slope, v)


def _maxout(v: Float32, slope: Float32, positive_slope: Float32) -> Float32:
    return np.where(v < 0, v * slope, v * positive_slope)


def _from_0_to_6(v: Float32) -> Float32:
    t = v + _THREE
    return np.where(t < 0, _ZERO, np.where(t > 6, _SIX, t))


def _hard_sigmoid(v: Float32) -> Float32:
    return _from_0_to_6(v) / _SIX


def _hardswish(v: Float32) -> Float32:
    return v * _from_0_to_6(v) / _SIX


ACTIVATIONS: Mapping[str, Callable[..., Float32]] = {
    "relu": _relu,
    "hardtanh": _hardtanh,
    "clip": _clip,
    "prelu": _prelu,
    "maxout": _maxout,
    "sigmoid": sigmoid,
    "hard_sigmoid": _hard_sigmoid,
    "hardswish": _hardswish,
    "silu": silu,
    "gelu": gelu,
    "tanh": tanh,
}
"""Step → (v, its constants in the table's order) → v"""


def activate(op: str, v: Float32, *constants: Float32) -> Float32:
    """The activation `op` of float32 v; its constants, in the table's order, broadcast with v."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return ACTIVATIONS[op](v, *constants)
