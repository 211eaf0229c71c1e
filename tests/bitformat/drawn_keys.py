"""Operations without weights, and their keys, drawn by the table alone.

So a test that goes through the table finds what was added to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from tests.bitformat.builder import Array

from signbit.bitformat.graph import Graph, GraphInput, GraphOutput, Node, Output
from signbit.bitformat.table import OPERATIONS, Key, Operation, StepRule
from signbit.bitformat.validate import Tensor, validate
from signbit.errors import ModelFileError

__all__ = ["SIMPLE", "drawn_keys", "drawn_operation"]

SIMPLE = [
    rule for rule in OPERATIONS.values() if "weight" not in rule.dtypes and not rule.counts_signs
]
"""Operations without weights that read any tensor of their kinds."""

_MOST = 5000
"""Values that an operation yields."""


def drawn_operation(
    rng: np.random.Generator, source: Tensor, rules: Sequence[Operation]
) -> tuple[Operation, dict[str, Any]]:
    """One of the rules that fits a tensor, and its keys, in which a constant is an array.

    An operation of several inputs reads the tensor as often. AssertionError where none fits.
    """
    readers = [rule for rule in rules if source.kind in rule.inputs[0]]
    for _ in range(200):
        rule = readers[rng.integers(len(readers))]
        keys = drawn_keys(rule, source.shape[2], rng)
        if _fits(rule, keys, source):
            return rule, keys
    raise AssertionError(f"none of {[rule.name for rule in rules]} fits {source}")


def drawn_keys(
    rule: Operation | StepRule, channels: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Keys for an input of so many channels, not all of which fit; constants are arrays."""
    return {
        key.name: _value(key, channels, rng)
        for key in rule.keys
        if key.required or rng.random() < 0.7
    }


def _value(key: Key, channels: int, rng: np.random.Generator) -> Any:
    def integer(most: int) -> int:
        return int(rng.integers(key.least, max(min(key.most, most), key.least) + 1))

    if key.type == "pair":
        return integer(3), integer(3)
    if key.type == "sides":
        return integer(1), integer(1), integer(1), integer(1)
    if key.type == "integer":
        return integer(channels if rng.random() < 0.5 else 3)
    if key.type == "flag":
        return True
    if key.type == "choice":
        return str(rng.choice(key.choices))
    assert key.type == "constant", f"{key.name}: how is a value of type {key.type} drawn?"
    return rng.standard_normal(1 if key.shape == "one" else channels).astype(np.float32)


def _fits(rule: Operation, keys: dict[str, Any], source: Tensor) -> bool:
    """Whether a graph of this operation alone is valid, and small."""
    arrays: dict[str, Array] = {}
    numbers = dict(keys)
    for name, value in keys.items():
        if isinstance(value, np.ndarray):
            numbers[name] = len(arrays)
            arrays[str(len(arrays))] = value
    bits = source.kind == "bits"
    given = GraphInput("x", "real" if bits else source.kind, source.shape)
    signs = Node("signs", "identity", (0,), {}, (), (Output("signs"),))
    node = Node("node", rule.name, (int(bits),) * len(rule.inputs), numbers)
    graph = Graph((given,), (GraphOutput("y", 1 + bits),), (signs, node) if bits else (node,))
    try:
        return prod(validate(graph, arrays)[-1].shape) <= _MOST
    except ModelFileError:
        return False
