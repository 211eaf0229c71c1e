"""The constants of an operation: dtypes as the table says, and shapes by the rules it names."""

from __future__ import annotations

import numpy as np

from signbit.bitformat import int16_stem
from signbit.bitformat.bits import WORD_BITS, word_count
from signbit.bitformat.checks import Array, Constants, require, value_in_range
from signbit.bitformat.graph import Node, Shape
from signbit.bitformat.table import LIMITS

__all__ = ["check_constants"]


def check_constants(node: Node, kind: str, shape: Shape, constants: Constants, where: str) -> int:
    """Check an operation's constants, in the table's order; return the filters of its weight.

    kind and shape are the first input's. Without a weight there are as many filters as channels.
    """
    channels = shape[2]
    taps = _taps(node, shape, where)
    for key in node.rule.keys:
        number = node[key.name] if key.type == "constant" else None
        if number is None:
            continue
        dtypes, place = node.rule.dtypes[key.name], f"{where}.{key.name}"
        if key.shape == "filters":
            weight = constants.take(number, dtypes, place)
            _check_filters(node, weight, kind, shape, taps, place)
            stored = taps // _copies(node)
            if constants.is_first(number, stored):
                _check_values(weight, stored, place)
            channels = len(weight)
        elif key.shape == "input_channels":
            wanted = _pad_dtype(node, constants)
            constants.shaped(number, (wanted,), (shape[2],), place)
        else:
            constants.shaped(number, dtypes, (1,), place)
    return channels


def _taps(node: Node, shape: Shape, where: str) -> int:
    """How many taps one dot product has; 0 where the operation has none."""
    if node.rule.reads != "taps":
        return 0
    rows, columns = node["kernel"]
    taps: int = rows * columns * (shape[2] // node["groups"])
    if node.rule.counts_signs:
        value_in_range(taps, 1, LIMITS["taps"], f"{where}.kernel: taps of one dot product")
    copies, depth = _copies(node), shape[2] // node["groups"]
    require(
        depth % copies == 0,
        f"{where}.copies",
        f"{copies} do not divide {depth} channels of a group",
    )
    return taps


def _copies(node: Node) -> int:
    """How many times the taps of one dot product are as many as a filter has weights."""
    return int(node["copies"]) if any(key.name == "copies" for key in node.rule.keys) else 1


def _check_filters(
    node: Node, weight: Array, kind: str, shape: Shape, taps: int, where: str
) -> None:
    packed = weight.dtype == np.uint64
    expected = (*node["kernel"], shape[2] // node["groups"])
    if packed:
        value_in_range(taps, 1, LIMITS["taps"], f"{where}: taps of one dot product")
        expected = (word_count(taps // _copies(node)),)
    require(
        weight.ndim == len(expected) + 1 and weight.shape[1:] == expected,
        where,
        f"must have shape (out, {', '.join(map(str, expected))}), has {weight.shape}",
    )
    value_in_range(len(weight), 1, LIMITS["channels"], f"{where}: filters")
    require(
        len(weight) % node["groups"] == 0,
        where,
        f"has {len(weight)} filters, which {node['groups']} groups do not divide",
    )
    if weight.dtype == np.int16:
        require(kind == "image", where, f"int16 weights read pixels, not {kind}")


def _check_values(weight: Array, taps: int, where: str) -> None:
    if weight.dtype == np.uint64 and taps % WORD_BITS:
        unused = weight[:, -1].astype(np.uint64) >> np.uint64(taps % WORD_BITS)
        require(not unused.any(), where, "has unused bits that are not 0")
    if weight.dtype == np.int16:
        int16_stem.check_weight(weight, where)


def _pad_dtype(node: Node, constants: Constants) -> str:
    weight = constants.arrays[str(node["weight"])]
    return "U8" if weight.dtype == np.int16 else "F32"
