"""From the keys and steps of the compiler's node to those of the file's: arrays get numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.bitformat.graph import Step
from signbit.compiler.constants import NumberedConstants
from signbit.compiler.ir import Node, reads
from signbit.compiler.pack import pack_numbers, pack_signs

__all__ = ["keys_of", "steps_of"]


def keys_of(node: Node, constants: NumberedConstants) -> dict[str, Any]:
    """The keys of the node's operation, in the table's order, without those at their defaults."""
    return dict(_numbered(node, constants))


def steps_of(
    node: Node, constants: NumberedConstants, place: Callable[[str], int]
) -> tuple[Step, ...]:
    """The node's steps. place: where among the file's inputs of the node the value of a name is."""

    def lowered(step: Step) -> Step:
        operand = {"input": place(node.operand(step))} if reads(step) else {}
        return Step(step.op, operand | dict(_numbered(step, constants)))

    return tuple(map(lowered, node.steps))


def _stored_once(part: Node | Step, value: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The constant; of weights that maps side by side meet again and again, the first map's."""
    copies = part.keys.get("copies", 1)
    if copies == 1:
        return value
    once = value[..., : value.shape[-1] // copies]
    assert (np.tile(once, copies) == value).all(), "a pass has changed the order of channels"
    return once


def _numbered(part: Node | Step, constants: NumberedConstants) -> Iterator[tuple[str, Any]]:
    for key in part.rule.keys:
        value = part[key.name] if key.name in part.keys else key.default
        if key.type == "operand":
            continue
        if isinstance(value, np.ndarray):
            pack = pack_signs if value.dtype == np.int8 else pack_numbers
            yield key.name, constants.number(pack(_stored_once(part, value)))
        elif value != key.default or key.required:
            yield key.name, value
