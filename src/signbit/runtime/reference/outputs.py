"""What a node writes: its operation's values go through the steps, and each output follows some
of them.
"""

from __future__ import annotations

import numpy as np

from signbit.bitformat.checks import Array
from signbit.bitformat.exact import Float32
from signbit.bitformat.graph import Output
from signbit.runtime.reference.node_run import NodeRun
from signbit.runtime.reference.steps import STEPS

__all__ = ["written"]


def written(run: NodeRun, v0: Array) -> list[Array]:
    """Each tensor that the node writes, from its operation's values (N, height, width, channels).

    Reals are float32; signs are uint8 with 1 = negative.
    """
    v: Float32 = v0.astype(np.float32)
    values = [v]
    for step in run.node.steps:
        v = STEPS[step.op](v, step, run)
        values.append(v)
    return [_stored(run, output, v0, values) for output in run.node.outputs]


def _stored(run: NodeRun, output: Output, v0: Array, values: list[Float32]) -> Array:
    v = values[-1 if output.after is None else output.after]
    if output.kind == "real":
        return v
    threshold: Array = np.zeros(1, np.float32)
    if output.threshold is not None:
        threshold = run.constants[output.threshold]
    u = v0 if threshold.dtype == np.int32 else v
    bits = np.asarray(u < threshold).astype(np.uint8)
    return bits if output.flip is None else bits ^ run.constants[output.flip]
