"""Products of two tensors' rows, as matrices."""

from __future__ import annotations

import numpy as np

from signbit.bitformat.checks import Array
from signbit.bitformat.exact import fma
from signbit.runtime.reference.node_run import NodeRun


def _matmul(run: NodeRun) -> Array:
    """Σ of a pixel's channels times a row's values of the other, a chain of fma from +0.0."""
    left, right = (each.astype(np.float32) for each in run.inputs[:2])
    if not run.node["over_pixels"]:
        right = right.swapaxes(2, 3)
    total = np.zeros((*left.shape[:3], right.shape[3]), np.float32)
    for term in range(left.shape[3]):
        total = fma(left[..., term, None], right[:, :, term, None, :], total)
    return total


OPERATIONS = {"matmul": _matmul}
