"""Margins of networks of functions: no value is larger, and no side is further from the other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.mapping.test_value_chains import LAYERS, network
from tests.compiler.nets import MEAN, STD, compiled, pixels
from tests.thorough import drawn

from signbit.bitformat.validate import validate
from signbit.compiler.axes import USUAL, as_map
from signbit.compiler.exporting.exported import Replay, normalise
from signbit.compiler.verification.node_reach import NodeReach
from signbit.runtime.reference import ReferenceEngine

SIZE = (5, 4, 3)

# A sign that differs moves what is behind it by more than rounding does.
NAMES = sorted(set(LAYERS) - {"binary"})


def _check(names: list[str], seed: int) -> None:
    """From the pixels on, so that errors add up all the way."""
    result = compiled(network(names, 5, seed), SIZE)
    images = pixels(2, SIZE, seed)
    tensors = validate(result.graph, result.constants)
    reals = {
        number: node
        for node, written in result.graph.written()
        for number in written
        if result.tensor_provenance[number].export
    }
    values = ReferenceEngine(result.data).run_nodes({0: images}, reals)
    replay = Replay(result.program, [each.export for each in result.tensor_provenance.values()])
    replay(normalise(images, MEAN, STD))
    nodes = NodeReach(result.graph, tensors, result.constants, {})
    for number, node in reals.items():
        reach = nodes.of_value(node)
        assert (np.abs(values[number]).max((0, 1, 2)) <= reach.largest * (1 + 1e-5)).all(), node
        exported = replay.recorded[result.tensor_provenance[number].export]
        wanted = as_map(exported, USUAL[exported.dim() - 1], tensors[number].shape[:2])
        apart = np.abs(values[number] - wanted)
        assert (apart.max((0, 1, 2)) <= reach.margin).all(), node


@pytest.mark.parametrize("names", [["gate", "tanh", "softmax"], ["clamp", "square", "attention"]])
def test_some(names: list[str]) -> None:
    _check(names, 0)


@pytest.mark.slow
@drawn(20)
@given(names=st.lists(st.sampled_from(NAMES), min_size=2, max_size=7), seed=st.integers(0, 99))
def test_many(names: list[str], seed: int) -> None:
    _check(names, seed)
