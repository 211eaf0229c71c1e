"""A batch-norm in evaluation is one scale and shift per channel.

weight·(x − mean)/√(variance + epsilon) + bias = scale·x + shift
"""

from __future__ import annotations

import numpy as np

from signbit.compiler.ir import Graph, Step

__all__ = ["fold_batch_norm"]


def fold_batch_norm(graph: Graph) -> None:
    """Fold each normalisation, in float64; variance and epsilon are more than 0 together."""
    for node in graph:
        if node.op != "batch_norm":
            continue
        scale = node["weight"] / np.sqrt(node["variance"] + node["epsilon"])
        affine = Step("affine", {"scale": scale, "shift": node["bias"] - node["mean"] * scale})
        graph.update(node.name, op="identity", keys={}, steps=(affine,))
