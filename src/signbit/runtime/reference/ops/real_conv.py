"""Sums of products: chains of fma, or exact integers of an int16 stem."""

from __future__ import annotations

import numpy as np

from signbit.bitformat.checks import Array
from signbit.bitformat.exact import fma
from signbit.bitformat.shapes import windows
from signbit.runtime.reference.filters import exact_sums, weight_signs
from signbit.runtime.reference.node_run import NodeRun
from signbit.runtime.reference.windows import taps


def _real_conv(run: NodeRun) -> Array:
    """acc = fma(x, w, acc) over rows, columns, channels, from +0.0; int32 sums where w is int16."""
    node, x = run.node, run.inputs[0]
    weight = run.constants[node["weight"]]  # (out, rows, columns, in / groups), or these packed
    outside: Array = np.zeros(1, np.float32)
    if node["pad_value"] is not None:
        outside = run.constants[node["pad_value"]]
    if weight.dtype == np.int16:
        # Below 2^31, so float64 holds every sum.
        sums = exact_sums(node, x.astype(np.float64), weight.astype(np.float64), outside)
        return sums.astype(np.int32)
    if weight.dtype == np.uint64:
        weight = weight_signs(node, weight, x.shape[3])
    out, _, _, group_channels = weight.shape
    groups = node["groups"]
    by_group = weight.reshape(groups, out // groups, *weight.shape[1:])
    size = windows(node, (x.shape[1], x.shape[2]), node.name)
    acc = np.zeros((len(x), *size, groups, out // groups), np.float32)
    for row, column, tap in taps(node, x.astype(np.float32), outside):
        grouped = tap.reshape(*acc.shape[:4], group_channels)
        for channel in range(group_channels):
            acc = fma(grouped[..., channel, None], by_group[:, :, row, column, channel], acc)
    return acc.reshape(len(x), *size, out)


OPERATIONS = {"real_conv": _real_conv}
