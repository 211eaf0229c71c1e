"""Real constants are rounded to float32, once, after all maths on them is done."""

from __future__ import annotations

import numpy as np

from signbit.compiler.ir import Graph, refuse

__all__ = ["round_constants"]

_FIELDS = (
    *("weight", "pad_value", "scale", "shift", "sums_scale"),
    *("slope", "positive_slope", "offset"),
)


def round_constants(graph: Graph) -> None:
    """float64 to float32, nearest even. Raises CompileError for what float32 cannot hold."""
    for node in graph:
        for field in _FIELDS:
            value = getattr(node, field)
            if value is None or value.dtype.kind in "iu":
                continue
            with np.errstate(over="ignore"):
                rounded = value.astype(np.float32)
            if not np.isfinite(rounded).all():
                raise refuse(node.origin, f"{field} has a value too large for float32")
            graph.update(node.name, **{field: rounded})
