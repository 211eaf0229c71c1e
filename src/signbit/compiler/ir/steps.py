"""What passes ask about steps and their nodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.bitformat.graph import Step
from signbit.compiler.ir.node import Node

__all__ = [
    "constants_of",
    "is_addition",
    "is_affine",
    "is_by_channel",
    "is_linear",
    "is_plain",
    "is_pooled",
    "reads",
    "same",
]


def reads(step: Step) -> bool:
    """Whether a step has an operand."""
    return any(key.type == "operand" for key in step.rule.keys)


def is_affine(node: Node) -> bool:
    """Whether a node is one scale and shift per channel and nothing else."""
    return node.only_step is not None and node.only_step.op == "affine"


def is_addition(node: Node) -> bool:
    """Whether a node adds two values and does nothing else."""
    step = node.only_step
    return step is not None and step.op == "add" and step["weighted"] is None


def is_by_channel(node: Node) -> bool:
    """Whether a node maps each value by itself, by constants of its channel alone."""
    return node.op == "identity" and not any(reads(step) for step in node.steps)


def is_linear(node: Node) -> bool:
    """Whether a node's steps are one scale and shift, and weighted additions behind it if any."""
    first, *others = node.steps or (None,)
    return (
        first is not None
        and first.op == "affine"
        and all(step.op == "add" and step["weighted"] is not None for step in others)
    )


def is_pooled(conv: Node) -> bool:
    """Whether a binary convolution's dots are pooled."""
    return (conv["pool_kernel"], conv["pool_stride"]) != ((1, 1), (1, 1))


def is_plain(step: Step) -> bool:
    """Whether a step reads each value of an operand of the same shape once."""
    return all(
        step[key.name] == key.default
        for key in step.rule.keys
        if key.type not in ("operand", "constant")
    )


def constants_of(part: Node | Step) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Name and array of each constant of an operation, or of a step."""
    for key in part.rule.keys:
        value = part.keys.get(key.name)
        if key.type == "constant" and value is not None:
            yield key.name, value


def same(left: Any, right: Any) -> bool:
    """Whether two values of keys, or two steps, are equal: arrays in dtype and every element."""
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        return left.dtype == right.dtype and np.array_equal(left, right)
    if isinstance(left, Step) and isinstance(right, Step):
        return left.op == right.op and all(
            same(left[key.name], right[key.name]) for key in left.rule.keys
        )
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and bool(left == right)
