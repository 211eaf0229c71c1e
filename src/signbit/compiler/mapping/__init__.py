"""What each operation of an exported graph is in the compiler's graph: one table.

An operation that is missing here is refused. A mapping appends nodes and returns its value's name.
"""

from __future__ import annotations

from collections.abc import Callable

from signbit.compiler.mapping import binary, convolution, elementwise, layout, pooling, products
from signbit.compiler.mapping.tracer import HALF, Call, Tracer

__all__ = ["HALF", "MAPPINGS", "Call", "Tracer"]

MAPPINGS: dict[str, Callable[[Call], str]] = {
    **binary.MAPPINGS,
    **convolution.MAPPINGS,
    **elementwise.MAPPINGS,
    **layout.MAPPINGS,
    **pooling.MAPPINGS,
    **products.MAPPINGS,
}
