"""How close to 0 PyTorch's value may be where a sign of the file is another one.

By the reach of the value that the file compares (`reach`). Signs that have moved since have the
margins of those that they were, unless they are fed with PyTorch's own.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from signbit.bitformat.validate import arity
from signbit.compiler.lower import Provenance
from signbit.compiler.moved_channels import moved_channels
from signbit.compiler.verification.node_reach import NodeReach
from signbit.compiler.verification.reach import through

__all__ = ["sign_margin"]

Array = npt.NDArray[np.float64]


def sign_margin(nodes: NodeReach, provenance: Mapping[int, Provenance], number: int) -> Array:
    """The margin of a bits tensor, (channels,); 0 for what the engine must know exactly.

    nodes: of the graph, with its feeds. provenance: of tensors, by number.
    """
    channels = nodes.tensors[number].shape[2]
    zero = np.zeros(channels)
    if provenance[number].is_of_pixels:
        return zero
    node, first = next(
        (node, written[0]) for node, written in nodes.graph.written() if number in written
    )
    if nodes.tensors[node.inputs[0]].kind == "bits" and node.op != "identity":
        parts = [
            np.zeros(nodes.tensors[source].shape[2])
            if source in nodes.feeds
            else sign_margin(nodes, provenance, source)
            for source in node.inputs[: arity(node)]
        ]
        moved = moved_channels(node, parts, channels)
        if moved is not None:
            return moved
    after = node.outputs[number - first].after
    return through(nodes.of_value(node, after), provenance[number].steps).margin
