"""From a node of the compiler's graph to the keys and steps of the file's node."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from signbit.bitformat.graph import Step
from signbit.bitformat.table import OPERATIONS, STEPS, Operation, StepRule
from signbit.bitformat.taps import axis_taps
from signbit.compiler.constants import NumberedConstants
from signbit.compiler.ir import FloatArray, Node, Shape
from signbit.compiler.pack import pack_numbers, pack_signs

__all__ = ["keys_of", "operation_of", "steps_of"]


def operation_of(node: Node) -> Operation:
    """The file's operation that does what a node does before its steps."""
    return OPERATIONS["identity" if node.op == "pointwise" else node.op]


def keys_of(node: Node, constants: NumberedConstants) -> dict[str, Any]:
    """The keys of the node's operation, without those at their defaults."""
    vertical, horizontal = node.padding
    keys: dict[str, Any] = {
        "kernel": node.kernel,
        "stride": node.stride,
        "padding": (vertical, horizontal, vertical, horizontal),
        "dilation": node.dilation,
        "groups": node.groups,
    }
    if node.pool is not None:
        keys |= {"pool_kernel": node.pool.kernel, "pool_stride": node.pool.stride}
    if node.weight is not None:
        pack = pack_signs if node.weight.dtype == np.int8 else pack_numbers
        keys["weight"] = constants.number(pack(node.weight))
    if node.pad_value is not None:
        keys["pad_value"] = constants.number(pack_numbers(node.pad_value))
    return _without_defaults(operation_of(node), keys)


def steps_of(
    node: Node, source: Shape, constants: NumberedConstants, place: Callable[[str], int]
) -> tuple[Step, ...]:
    """The node's epilogue: map, affine, sums, shortcut, activation, offset.

    source: shape of what the node's operation reads. place: where among the node's inputs the
    value of a name stands.
    """
    return tuple(
        Step(op, _without_defaults(STEPS[op], keys))
        for op, keys in _steps(node, source, constants, place)
    )


def _steps(
    node: Node, source: Shape, constants: NumberedConstants, place: Callable[[str], int]
) -> Iterator[tuple[str, dict[str, Any]]]:
    def constant(value: FloatArray | None) -> int:
        assert value is not None, node.name
        return constants.number(np.ascontiguousarray(value, np.float32))

    if node.map:
        yield "multiply", {"input": place(node.map), "repeat": "tile"}
    if node.scale is not None:
        by_channel = {"scale": constant(node.scale), "shift": constant(node.shift)}
        yield "affine", by_channel | _border(node, source)
    if node.sums:
        weighted = constant(node.sums_scale)
        yield "add", {"input": place(node.sums), "repeat": "each", "weighted": weighted}
    if node.shortcut is not None:
        repeat = "tile" if node.shortcut.repeat else "none"
        read = {"every": node.shortcut.stride, "offset": node.shortcut.offset, "repeat": repeat}
        yield "add", {"input": place(node.shortcut.tensor), **read}
    if node.activation is not None:
        slopes = (key.name for key in STEPS[node.activation].keys)
        yield node.activation, {name: constant(getattr(node, name)) for name in slopes}
    if node.offset is not None:
        yield "offset", {"value": constant(node.offset)}


def _border(node: Node, source: Shape) -> dict[str, Any]:
    """The tap sets of a shift that has one value for each pair of them."""
    if node.shift is None or node.shift.ndim == 1:
        return {}
    names = ("kernel", "stride", "padding", "padding", "dilation")
    rows, columns = (
        axis_taps(source[axis], *(getattr(node, name)[axis] for name in names)) for axis in (0, 1)
    )
    return {"row_taps": rows.sets, "column_taps": columns.sets}


def _without_defaults(rule: Operation | StepRule, keys: dict[str, Any]) -> dict[str, Any]:
    """What the operation or step has of these keys, in the table's order."""
    return {
        key.name: keys[key.name]
        for key in rule.keys
        if key.name in keys and (key.required or keys[key.name] != key.default)
    }
