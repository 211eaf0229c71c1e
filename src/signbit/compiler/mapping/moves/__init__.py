"""Operations that move values and compute nothing: shapes, channels, pixels, pads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from signbit.bitformat.by_name import functions_by_name
from signbit.compiler.ir import Node
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS"]

MAPPINGS: Mapping[str, Callable[[Call], Node | Sequence[Node]]] = functions_by_name(
    __name__, __path__, "MAPPINGS"
)
