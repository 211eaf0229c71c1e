"""Which channels of its inputs stand in each channel of what an operation moves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from signbit.bitformat.graph import Node, Pair

__all__ = ["moved_channels"]

Array = npt.NDArray[np.float64]


def moved_channels(node: Node, parts: Sequence[Array], size: Pair) -> Array | None:
    """The largest of a number per channel of each input, by channel of the result.

    parts: (channels,) of each input, size: their height and width. None for an operation that does
    more than move values.
    """
    (part, *_) = parts
    if node.op == "concat":
        return np.concatenate(parts)
    if node.op == "slice":
        return part[node["first"] : node["first"] + node["count"]]
    if node.op == "flatten":
        return np.tile(part, size[0] * size[1])
    if node.op == "space_to_depth":
        return part.repeat(node["block"] ** 2)
    if node.op == "depth_to_space":
        largest: Array = part.reshape(-1, node["block"] ** 2).max(1)
        return largest
    return part if node.rule.yields == "input" else None
