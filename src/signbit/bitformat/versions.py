"""What each format version brought, and the lowest version that holds a graph.

2: int16 weights. 3: `map`, `sums` and a shift by border of binary_conv, `map` of pointwise, the ops
sign_sum and mean_abs, the activation maxout, `offset`, shortcuts that repeat, real_conv of signs or
with signs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from signbit.bitformat.borders import has_border_shift
from signbit.bitformat.checks import Array, require
from signbit.bitformat.graph import Graph, Node

__all__ = ["check_version", "format_needed", "with_lowest_format"]

_OPS_OF_3 = ("sign_sum", "mean_abs")
_KEYS_OF_3 = ("map", "sums", "positive_slope", "offset")


def format_needed(graph: Graph, constants: Mapping[str, Array]) -> int:
    """The lowest format version that holds a graph, whatever it says of itself."""
    return max((version for version, _ in _needs(graph, constants)), default=1)


def with_lowest_format(graph: Graph, constants: Mapping[str, Array]) -> Graph:
    """The same graph with the lowest format version that holds it."""
    return replace(graph, format=format_needed(graph, constants))


def check_version(graph: Graph, constants: Mapping[str, Array]) -> None:
    """Refuse a graph that needs a newer version than it says: ModelFileError naming the part."""
    for version, part in _needs(graph, constants):
        require(
            graph.format >= version, "format", f"{part} needs version {version}, is {graph.format}"
        )


def _needs(graph: Graph, constants: Mapping[str, Array]) -> list[tuple[int, str]]:
    """The parts of a graph that version 1 lacks: (version, part)."""
    kinds = {tensor.name: tensor.kind for tensor in graph.tensors}
    needs = []
    for index, node in enumerate(graph.nodes):
        where = f"nodes[{index}] ({node.name!r})"
        weight = constants.get(node.weight or "")
        if weight is not None and weight.dtype == np.int16:
            needs.append((2, f"{where}.weight of I16"))
        needs += [
            (3, f"{where}.{part}")
            for part in _parts_of_3(node, kinds.get(node.input, ""), weight, constants)
        ]
    return needs


def _parts_of_3(
    node: Node, source_kind: str, weight: Array | None, constants: Mapping[str, Array]
) -> list[str]:
    parts = [key for key in _KEYS_OF_3 if getattr(node, key) is not None]
    if node.op in _OPS_OF_3:
        parts.append(f"op {node.op}")
    if node.activation == "maxout":
        parts.append("activation maxout")
    if node.shortcut is not None and node.shortcut.repeat:
        parts.append("shortcut.repeat")
    if has_border_shift(node, constants):
        parts.append("shift by border")
    if node.op == "real_conv" and source_kind == "bits":
        parts.append("input of bits")
    if node.op == "real_conv" and weight is not None and weight.dtype == np.uint64:
        parts.append("weight of U64")
    return parts
