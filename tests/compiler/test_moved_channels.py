"""Channels that operations move, against the reference that moves them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.bitformat.drawn_keys import SIMPLE, drawn_operation
from tests.runtime.reference.one_node import run_node

from signbit.bitformat.graph import Node
from signbit.bitformat.table import OPERATIONS, Operation
from signbit.bitformat.validate import Tensor
from signbit.compiler.moved_channels import moved_channels

MOVES = [rule for rule in SIMPLE if rule.yields == "input"]


def _drawn(rule: Operation) -> Iterator[tuple[dict[str, Any], np.random.Generator]]:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        yield drawn_operation(rng, Tensor("real", (4, 6, 12)), [rule])[1], rng


@pytest.mark.parametrize("rule", MOVES, ids=lambda rule: rule.name)
def test_no_value_is_larger_than_that_of_its_channel(rule: Operation) -> None:
    """Each channel holds one value, so that it shows where it goes."""
    for keys, rng in _drawn(rule):
        parts = [rng.standard_normal(12) for _ in rule.inputs]
        values = [np.broadcast_to(part, (1, 4, 6, 12)).astype(np.float32) for part in parts]
        found = run_node(rule.name, *values, **keys)
        node = Node("node", rule.name, tuple(range(len(parts))), keys)
        largest = moved_channels(node, parts, found.shape[3])
        assert largest is not None
        assert (found.max((0, 1, 2)) <= np.float32(largest)).all()


@pytest.mark.parametrize("op", ["softmax", "avg_pool", "sign_sum"])
def test_what_computes_is_not_moved(op: str) -> None:
    node = Node("node", op, (0,), {})
    assert moved_channels(node, [np.ones(3)], 3) is None


def test_without_a_rule_any_channel_may_stand_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = replace(OPERATIONS["slice"], name="unknown")
    monkeypatch.setitem(OPERATIONS, "unknown", unknown)
    node = Node("node", "unknown", (0, 1), {})
    found = moved_channels(node, [np.array([1.0, 7.0]), np.array([2.0])], 4)
    np.testing.assert_array_equal(found, [7, 7, 7, 7])
