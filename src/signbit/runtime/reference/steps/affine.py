"""Constants per channel: affine, whose shift may depend on the border, and offset."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from signbit.bitformat.exact import Float32, fma
from signbit.bitformat.graph import Node, Pair, Step
from signbit.bitformat.taps import axis_taps
from signbit.runtime.reference.node_run import NodeRun


def _affine(v: Float32, step: Step, run: NodeRun) -> Float32:
    return fma(v, run.constants[step["scale"]], _shift(step, run))


def _shift(step: Step, run: NodeRun) -> Float32:
    """(channels,), or (height, width, channels) where it depends on the border."""
    shift: Float32 = run.constants[step["shift"]]
    if not step["row_taps"]:
        return shift
    rows = _entries(run, 0, step["row_taps"])
    columns = _entries(run, 1, step["column_taps"])
    at_pixels: Float32 = shift[np.array(rows)[:, None], np.array(columns)]
    return at_pixels


def _entries(run: NodeRun, axis: int, sets: Sequence[Pair]) -> list[int]:
    """Which of the step's tap sets the window of each position along an axis has."""
    node: Node = run.node
    before, after = node["padding"][axis], node["padding"][axis + 2]
    size: int = run.inputs[0].shape[1 + axis]
    met = axis_taps(
        size,
        node["kernel"][axis],
        node["stride"][axis],
        before,
        after,
        node["dilation"][axis],
    )
    return [sets.index(met.sets[number]) for number in met.by_position]


def _offset(v: Float32, step: Step, run: NodeRun) -> Float32:
    offset: Float32 = run.constants[step["value"]]
    return v + offset


STEPS = {"affine": _affine, "offset": _offset}
