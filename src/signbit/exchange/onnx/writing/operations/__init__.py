"""What each operation of the compiler's graph is in ONNX: one file for each family.

A family's OPERATIONS has a function for each operation, by its name. It gets the writer and the
node, adds ONNX nodes, and returns the name of the one that is the result, with its rank.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from signbit.bitformat.by_name import functions_by_name
from signbit.compiler.ir import Node
from signbit.exchange.onnx.writing.writer import Writer

__all__ = ["OPERATIONS"]

OPERATIONS: Mapping[str, Callable[[Writer, Node], tuple[str, int]]] = functions_by_name(
    __name__, __path__, "OPERATIONS"
)
"""Name of an operation → its function, of all files of this folder."""
