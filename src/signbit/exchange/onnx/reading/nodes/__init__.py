"""What each operation of ONNX and QONNX becomes, a file for each family.

A function takes a `Call` and returns the value of the node's one output.
"""

from __future__ import annotations

from collections.abc import Callable

from signbit.exchange.onnx.reading.call import Call
from signbit.exchange.onnx.reading.nodes import (
    activations,
    arithmetic,
    comparisons,
    layers,
    moves,
    pools,
    quantizers,
)
from signbit.exchange.onnx.reading.values import Value

__all__ = ["NODES"]

NODES: dict[str, Callable[[Call], Value]] = {
    **activations.NODES,
    **arithmetic.NODES,
    **comparisons.NODES,
    **layers.NODES,
    **moves.NODES,
    **pools.NODES,
    **quantizers.NODES,
}
"""Operation → its function, whatever the dialect."""
