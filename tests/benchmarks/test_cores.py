from __future__ import annotations

import os

import pytest

from measuring.cores import restricted


def test_cores_are_given_back() -> None:
    before = os.sched_getaffinity(0)
    with restricted(1) as cores:
        assert os.sched_getaffinity(0) == set(cores)
        assert len(cores) == 1
        assert os.environ["OMP_NUM_THREADS"] == "1"
    assert os.sched_getaffinity(0) == before


def test_openmp_is_told_what_it_was_told_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    with restricted(1):
        pass
    assert os.environ["OMP_NUM_THREADS"] == "7"


@pytest.mark.parametrize("count", [0, 100_000])
def test_too_few_or_too_many_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} cores wanted"), restricted(count):
        pass
