"""What each operation computes, found by the operation's name.

Vectorised over images, positions and output channels; every loop runs over a reduction, in the
order that the format prescribes.
"""

from collections.abc import Callable, Mapping

from signbit.bitformat.by_name import functions_by_name
from signbit.bitformat.checks import Array
from signbit.runtime.reference.node_run import NodeRun

__all__ = ["OPERATIONS"]

OPERATIONS: Mapping[str, Callable[[NodeRun], Array]] = functions_by_name(
    __name__, __path__, "OPERATIONS"
)
"""Operation → node's run → v0 (N, height, width, channels): int32 where exact, else float32.

A binary_conv's dots are not pooled yet."""
