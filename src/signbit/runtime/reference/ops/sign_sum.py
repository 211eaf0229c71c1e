"""The sum of each group's signs inside the image."""

from __future__ import annotations

import numpy as np

from signbit.bitformat.checks import Array
from signbit.bitformat.shapes import windows
from signbit.runtime.reference.node_run import NodeRun
from signbit.runtime.reference.windows import taps


def _sign_sum(run: NodeRun) -> Array:
    """The sums; they are below 2^24, so exact in float32 in any order."""
    node, signs = run.node, run.inputs[0]
    batch, height, width, channels = signs.shape
    groups = node["groups"]
    total = np.zeros((batch, *windows(node, (height, width), node.name), groups), np.float32)
    for _, _, tap in taps(node, signs, np.zeros(1, np.float32)):
        total += tap.reshape(*total.shape, channels // groups).sum(axis=-1)
    return total


OPERATIONS = {"sign_sum": _sign_sum}
