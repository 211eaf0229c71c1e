"""What each operation of an exported graph is in the compiler's graph: one file per family.

A family's MAPPINGS has a function for each operation, by the name that torch gives it
(`str(fx.target)`). The function gets the `Call`, adds nodes with `call.add` and `call.step`, and
returns the one that holds the result, or one for each of several results:

    def _relu(call: Call) -> Node:
        return call.step("relu", call.real("self"))

An operation that is missing here is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from signbit.bitformat.by_name import functions_by_name
from signbit.compiler.ir import Node
from signbit.compiler.mapping.tracer import Call, Tracer

__all__ = ["MAPPINGS", "Call", "Tracer"]

MAPPINGS: Mapping[str, Callable[[Call], Node | Sequence[Node]]] = functions_by_name(
    __name__, __path__, "MAPPINGS"
)
"""Name of torch's operation → its function, of all files of this folder."""
