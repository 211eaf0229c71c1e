"""The benchmark of fusion: what it measures of a file, and its table."""

from __future__ import annotations

from tests.bitformat.samples import sample_bytes

import fusion
import signbit


def test_a_file_is_measured_both_ways() -> None:
    found = fusion.measure(sample_bytes(), signbit.cpu_isas()[-1], 0.0)
    assert set(found) == {"fused_ms", "steps_ms", "ratio", "rounds"}
    assert min(found.values()) > 0


def test_rows_are_methods_and_columns_instruction_sets() -> None:
    times = {"fused_ms": 1.0, "steps_ms": 1.25, "ratio": 1.25, "rounds": 3}
    lines = fusion.rows({"bnn": {"avx2": times, "scalar": times}}).splitlines()
    assert lines[0].split() == ["|", "steps", "/", "fused", "|", "avx2", "|", "scalar", "|"]
    assert lines[2].split() == ["|", "bnn", "|", "1.25", "|", "1.25", "|"]
