"""Batch normalisation in evaluation mode, and layer normalisation."""

from __future__ import annotations

import numpy as np

from signbit.compiler.ir import Node, Origin, refuse
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS"]


def _batch_norm(call: Call) -> Node:
    mean, variance = call.constant("running_mean"), call.constant("running_var")
    if (variance + call.arguments["eps"]).min() <= 0:
        reason = "has a running variance that is not positive"
        raise refuse(_of_any_name(call), reason, "load the statistics that training found")
    weight, bias = call.optional_constant("weight"), call.optional_constant("bias")
    node = call.add(
        "batch_norm",
        call.real_map("input"),
        weight=np.ones_like(mean) if weight is None else weight,
        bias=np.zeros_like(mean) if bias is None else bias,
        mean=mean,
        variance=variance,
        epsilon=call.arguments["eps"],
    )
    return call.tracer.graph.update(node.name, origin=_of_any_name(call))


def _of_any_name(call: Call) -> Origin:
    """The call by the name that people know; PyTorch has several for it."""
    return call.origin._replace(target="aten.batch_norm")


def _batch_norm_training(call: Call) -> Node:
    raise call.refuse_training(
        "normalises with the statistics of the batch",
        "the engine needs running statistics (track_running_stats=True) and evaluation mode",
    )


def _layer_norm(call: Call) -> Node:
    if len(call.arguments["normalized_shape"]) != 1:
        raise call.refuse(
            f"normalises over {list(call.arguments['normalized_shape'])}",
            "the engine knows one dimension: F.layer_norm(x, x.shape[-1:])",
        )
    source = call.as_real(call.with_channels("input", -1))
    epsilon = np.array([call.arguments["eps"]], np.float64)
    weight, bias = call.optional_constant("weight"), call.optional_constant("bias")
    part = None if weight is None and bias is None else ""
    node = call.add("layer_norm", source, part=part, epsilon=epsilon)
    if part is None:
        return node
    scale = np.ones(node.shape.channels) if weight is None else weight
    return call.step(
        "affine", node, scale=scale, shift=np.zeros_like(scale) if bias is None else bias
    )


MAPPINGS = {
    "aten.layer_norm.default": _layer_norm,
    "aten._native_batch_norm_legit_no_training.default": _batch_norm,
    "aten._native_batch_norm_legit_functional.default": _batch_norm_training,
    "aten._native_batch_norm_legit.no_stats": _batch_norm_training,
}
