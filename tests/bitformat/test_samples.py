"""The samples are valid, and between them leave out no operation, step, key or choice."""

from __future__ import annotations

import pytest
from tests.bitformat.samples import SAMPLES, Make

from signbit.bitformat.table import KEYS, OPERATIONS, STEPS
from signbit.bitformat.validate import validate

makes = pytest.mark.parametrize("make", SAMPLES.values(), ids=SAMPLES)


@makes
def test_a_sample_is_valid(make: Make) -> None:
    graph, constants = make()
    tensors = validate(graph, constants)
    assert len(tensors) == len(graph.inputs) + sum(len(node.outputs) for node in graph.nodes)


def test_samples_use_the_whole_table() -> None:
    nodes = [node for make in SAMPLES.values() for node in make()[0].nodes]
    steps = [step for node in nodes for step in node.steps]
    assert {node.op for node in nodes} == set(OPERATIONS)
    assert {step.op for step in steps} == set(STEPS)
    given = [(key, value) for each in (*nodes, *steps) for key, value in each.keys.items()]
    assert {key for key, _ in given} == set(KEYS)
    for key in KEYS.values():
        if key.type == "choice":
            values = {value for name, value in given if name == key.name} | {key.default}
            assert values == set(key.choices)
