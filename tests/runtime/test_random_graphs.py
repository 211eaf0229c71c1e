"""Random graphs leave nothing of the table out, so that whatever is added to it is compared."""

from __future__ import annotations

from tests.runtime.random_graphs.networks import network
from tests.runtime.random_graphs.one_operation import any_operation

from signbit.bitformat.table import OPERATIONS, STEPS


def test_every_operation_and_step_turns_up() -> None:
    graphs = [make(seed).graph for make in (any_operation, network) for seed in range(150)]
    nodes = [node for graph in graphs for node in graph.nodes]
    assert {node.op for node in nodes} == set(OPERATIONS)
    assert {step.op for node in nodes for step in node.steps} == set(STEPS)
