"""A batch-norm in evaluation is one scale and shift a channel."""

from __future__ import annotations

import numpy as np

from signbit.compiler.ir import Graph, refuse

__all__ = ["fold_batch_norm"]


def fold_batch_norm(graph: Graph) -> None:
    """weight·(x − mean)/√(variance + epsilon) + bias = scale·x + shift, in float64."""
    for node in graph:
        if node.norm is None:
            continue
        norm = node.norm
        deviation = norm.variance + norm.epsilon
        if deviation.min() <= 0:
            raise refuse(node.origin, "has a running variance that is not positive")
        scale = norm.weight / np.sqrt(deviation)
        shift = norm.bias - norm.mean * scale
        graph.update(node.name, op="pointwise", norm=None, scale=scale, shift=shift)
