"""Dots of signs, and their maximum over windows."""

from __future__ import annotations

import numpy as np

from signbit.bitformat.checks import Array
from signbit.bitformat.graph import Node
from signbit.runtime.reference.filters import exact_sums, weight_signs
from signbit.runtime.reference.node_run import NodeRun
from signbit.runtime.reference.windows import maximum

_OUTSIDE = {"none": 0, "positive": 1, "negative": -1}


def _dots(run: NodeRun) -> Array:
    """D, the dots of signs; a tap outside the image counts as pad_sign says.

    Magnitudes are below 2^24, so float32 holds every sum.
    """
    node, signs = run.node, run.inputs[0]
    weight = weight_signs(node, run.constants[node["weight"]], signs.shape[3])
    outside = np.full(1, _OUTSIDE[node["pad_sign"]], np.float32)
    return exact_sums(node, signs, weight, outside).astype(np.int32)


def pool_dots(node: Node, dots: Array) -> Array:
    """v0: the largest dot of each window of the node's pool."""
    keys = {"kernel": node["pool_kernel"], "stride": node["pool_stride"]}
    return maximum(Node(node.name, "max_pool", node.inputs, keys), dots)


OPERATIONS = {"binary_conv": _dots}
