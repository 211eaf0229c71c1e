"""The steps that read a second tensor, and the one rule by which they address it."""

from __future__ import annotations

import numpy as np

from signbit.bitformat.exact import Float32, fma
from signbit.bitformat.graph import Step
from signbit.runtime.reference.node_run import NodeRun


def _operand(step: Step, run: NodeRun, shape: tuple[int, ...]) -> Float32:
    """s, of the output's shape: the operand at (y·every[0], x·every[1]).

    It is +0.0 for a channel that the operand lacks.
    """
    _, height, width, channels = shape
    x = run.inputs[step["input"]]
    every, count = step["every"], x.shape[3]
    rows, columns = np.arange(height) * every[0], np.arange(width) * every[1]
    channel = np.arange(channels)
    if step["repeat"] == "tile":
        channel = channel % count
    elif step["repeat"] == "each":
        channel = channel // (channels // count)
    else:
        channel = channel - step["offset"]
    exists = (channel >= 0) & (channel < count)
    nearest = channel.clip(0, count - 1)
    return np.where(exists, x[:, rows[:, None, None], columns[:, None], nearest], np.float32(0))


def _add(v: Float32, step: Step, run: NodeRun) -> Float32:
    s = _operand(step, run, v.shape)
    if step["weighted"] is None:
        return v + s
    return fma(s, run.constants[step["weighted"]], v)


def _subtract(v: Float32, step: Step, run: NodeRun) -> Float32:
    return v - _operand(step, run, v.shape)


def _multiply(v: Float32, step: Step, run: NodeRun) -> Float32:
    return v * _operand(step, run, v.shape)


STEPS = {"add": _add, "subtract": _subtract, "multiply": _multiply}
