"""What is computed from all channels of one pixel: mean magnitude, softmax, normalisations."""

from __future__ import annotations

import numpy as np

from signbit.bitformat.checks import Array
from signbit.bitformat.exact import exp, fma
from signbit.runtime.reference.node_run import NodeRun


def _mean_abs(run: NodeRun) -> Array:
    """Magnitudes summed over the channels, ascending, from +0.0, divided by their number."""
    x = run.inputs[0]
    total = np.zeros(x.shape[:3], np.float32)
    for channel in range(x.shape[3]):
        total = total + np.abs(x[..., channel])
    return (total / np.float32(x.shape[3]))[..., None]


def _softmax(run: NodeRun) -> Array:
    """exp(x − the largest), divided by the sum of these, ascending, from +0.0."""
    x = run.inputs[0]
    largest = x[..., 0]
    for channel in range(1, x.shape[3]):
        largest = np.where(largest < x[..., channel], x[..., channel], largest)
    e = exp(x - largest[..., None])
    total = np.zeros(x.shape[:3], np.float32)
    for channel in range(x.shape[3]):
        total = total + e[..., channel]
    return e / total[..., None]


def _l2_normalise(run: NodeRun) -> Array:
    """x divided by the length of its pixel, or by epsilon where that is smaller.

    The squares are summed by a chain of fma, ascending, from +0.0.
    """
    x = run.inputs[0]
    epsilon = run.constants[run.node["epsilon"]]
    squares = np.zeros(x.shape[:3], np.float32)
    for channel in range(x.shape[3]):
        squares = fma(x[..., channel], x[..., channel], squares)
    length = np.sqrt(squares)
    length = np.where(length < epsilon, epsilon, length)
    return x / length[..., None]


def _layer_norm(run: NodeRun) -> Array:
    """(x − mean) / √(variance + epsilon) of a pixel's channels, both summed ascending from +0.0."""
    x, count = run.inputs[0], np.float32(run.inputs[0].shape[3])
    total = np.zeros(x.shape[:3], np.float32)
    for channel in range(x.shape[3]):
        total = total + x[..., channel]
    apart = x - (total / count)[..., None]
    squares = np.zeros(x.shape[:3], np.float32)
    for channel in range(x.shape[3]):
        squares = fma(apart[..., channel], apart[..., channel], squares)
    variance = squares / count + run.constants[run.node["epsilon"]]
    deviation = np.sqrt(np.where(variance < 0, np.float32(0), variance))
    result: Array = apart / deviation[..., None]
    return result


OPERATIONS = {
    "mean_abs": _mean_abs,
    "softmax": _softmax,
    "l2_normalise": _l2_normalise,
    "layer_norm": _layer_norm,
}
