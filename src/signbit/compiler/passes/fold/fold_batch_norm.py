"""A batch-norm in evaluation is one scale and shift per channel.

weight·(x − mean)/√(variance + epsilon) + bias = scale·x + shift
"""

from __future__ import annotations

import numpy as np

from signbit.compiler.ir import Graph, Step, refuse

__all__ = ["fold_batch_norm"]


def fold_batch_norm(graph: Graph) -> None:
    """Fold each normalisation, in float64. CompileError for a variance that is not positive."""
    for node in graph:
        if node.op != "batch_norm":
            continue
        deviation = node["variance"] + node["epsilon"]
        if deviation.min() <= 0:
            raise refuse(node.origin, "has a running variance that is not positive")
        scale = node["weight"] / np.sqrt(deviation)
        affine = Step("affine", {"scale": scale, "shift": node["bias"] - node["mean"] * scale})
        graph.update(node.name, op="identity", keys={}, steps=(affine,))
