"""What each operation of an exported graph is in the compiler's graph: one table.

An operation that is missing here is refused. A mapping appends nodes and returns its value's name.
"""

from __future__ import annotations

from collections.abc import Callable

from signbit.compiler.mapping import convolution, elementwise, layout, pooling
from signbit.compiler.mapping.tracer import Call, Tracer

__all__ = ["MAPPINGS", "Call", "Tracer"]

MAPPINGS: dict[str, Callable[[Call], str]] = {
    **convolution.MAPPINGS,
    **elementwise.MAPPINGS,
    **layout.MAPPINGS,
    **pooling.MAPPINGS,
}
