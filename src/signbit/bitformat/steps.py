"""Validity of one step: the tensor that it reads, where it reads it, and its constants."""

from __future__ import annotations

from collections.abc import Sequence

from signbit.bitformat.checks import Constants, require, value_in_range
from signbit.bitformat.graph import Node, Pair, Shape, Step
from signbit.bitformat.taps import tap_stretches

__all__ = ["check_step"]


def check_step(
    node: Node,
    step: Step,
    inputs: Sequence[tuple[str, Shape]],
    shape: Shape,
    constants: Constants,
    where: str,
) -> None:
    """Check a step of a node that yields `shape`; inputs: kind and shape of what the node reads."""
    for key in step.rule.keys:
        value, place = step[key.name], f"{where}.{key.name}"
        if key.type == "operand":
            require(value < len(inputs), place, f"is {value}, of {len(inputs)} inputs")
            kind, operand = inputs[value]
            require(kind == "real", place, f"must be real, is {kind}")
            _check_addressing(step, operand, shape, where)
        elif key.shape == "shift":
            _check_shift(node, step, inputs[0][1], shape, constants, where)
        elif key.type == "constant" and value is not None:
            constants.shaped(value, step.rule.dtypes[key.name], (shape[2],), place)


def _check_addressing(step: Step, operand: Shape, shape: Shape, where: str) -> None:
    """One rule for all operands: every row and column that is read lies inside, channels fit."""
    every: Pair = step["every"]
    if every == (0, 0):
        require(
            operand[:2] == (1, 1),
            f"{where}.every",
            f"[0, 0] is for an operand of one pixel, it has {operand[:2]}",
        )
    else:
        require(min(every) > 0, f"{where}.every", "must be [0, 0] or positive")
        last = [(shape[axis] - 1) * every[axis] for axis in (0, 1)]
        require(
            last[0] < operand[0] and last[1] < operand[1],
            f"{where}.every",
            f"reads outside the operand, which has {operand[:2]}",
        )
    repeat = step["repeat"]
    if repeat == "none":
        return
    require(step["offset"] == 0, f"{where}.offset", "must be 0 with repeat")
    if repeat == "each":
        require(
            shape[2] % operand[2] == 0,
            f"{where}.repeat",
            f"the operand's {operand[2]} channels do not divide {shape[2]}",
        )


def _check_shift(
    node: Node, step: Step, source: Shape, shape: Shape, constants: Constants, where: str
) -> None:
    """A shift per channel, or one for each pair of tap sets that the node's windows meet."""
    number, rows, columns = step["shift"], step["row_taps"], step["column_taps"]
    if not rows and not columns:
        constants.shaped(number, ("F32",), (shape[2],), f"{where}.shift")
        return
    expected = (len(rows), len(columns), shape[2])
    constants.shaped(number, ("F32",), expected, f"{where}.shift")
    require(
        node.op == "binary_conv" and node["pool_kernel"] == (1, 1) == node["pool_stride"],
        f"{where}.row_taps",
        "goes with a binary_conv whose dots are not pooled",
    )
    top, left, bottom, right = node["padding"]
    for axis, (before, after, name, sets) in enumerate(
        ((top, bottom, "row_taps", rows), (left, right, "column_taps", columns))
    ):
        known: set[Pair] = set()
        for number, each in enumerate(sets):
            place = f"{where}.{name}[{number}]"
            value_in_range(each[1], 0, node["kernel"][axis], f"{place}[1]")
            require(each[0] < each[1] or each == (0, 0), place, "must rise, or be [0, 0] for none")
            require(each not in known, place, "is there twice")
            known.add(each)
        stretches = tap_stretches(
            source[axis],
            node["kernel"][axis],
            node["stride"][axis],
            before,
            after,
            node["dilation"][axis],
        )
        for met, _ in stretches:  # no more of them than the file lists sets
            require(met in known, f"{where}.{name}", f"lacks the taps {list(met)}, which occur")
