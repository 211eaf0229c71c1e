"""The counts of a long run are read from what its targets print, and add up."""

from __future__ import annotations

import pytest
from tests.fuzz.long import executed, totals


def test_inputs_are_read_from_either_driver() -> None:
    assert executed("…\nstat::number_of_executed_units: 5748\nstat::average: 2") == 5748
    assert executed("fuzz: 1000 inputs in 2 s\nfuzz: 2000 inputs in 4 s") == 2000


def test_a_log_without_a_count_ends_the_run() -> None:
    with pytest.raises(SystemExit, match="did not say"):
        executed("killed")


def test_slices_add_up_by_target() -> None:
    slices = [
        {"target": "reader", "inputs": 5},
        {"target": "plan", "inputs": 1},
        {"target": "reader", "inputs": 7},
    ]
    assert totals(slices) == {"reader": 12, "graphs": 0, "plan": 1, "run": 0}
