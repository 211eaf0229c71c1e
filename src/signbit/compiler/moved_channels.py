"""Which channels of its inputs stand in each channel of what an operation moves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from signbit.bitformat.graph import Node as FileNode
from signbit.compiler.ir import Node

__all__ = ["moved_channels"]

Array = npt.NDArray[np.float64]

_KEPT = ("identity", "max_pool", "global_max", "upsample")
"""Operations that leave every value in its channel."""


def moved_channels(node: FileNode | Node, parts: Sequence[Array], channels: int) -> Array | None:
    """The largest of a number per channel of each input, by channel of the result.

    parts: (channels,) of each input; channels: the result's. None for an operation that does more
    than move values. Of one that has no rule here, any channel may stand anywhere.
    """
    (part, *_) = parts
    if node.op in _KEPT:
        return part
    if node.op == "concat":
        return np.concatenate(parts)
    if node.op == "slice":
        return part[node["first"] : node["first"] + node["count"]]
    if node.op == "flatten":
        return np.resize(part, channels)
    if node.op == "space_to_depth":
        return part.repeat(node["block"] ** 2)
    if node.op == "depth_to_space":
        largest: Array = part.reshape(-1, node["block"] ** 2).max(1)
        return largest
    if node.rule.yields != "input":
        return None
    return np.full(channels, max(each.max() for each in parts))
