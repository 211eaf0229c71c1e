"""How many threads an engine takes: affinity, quotas, what pays, other calls; and the same bits."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bitformat.samples import sample_bytes
from tests.runtime import strategies
from tests.runtime.graphs import Case
from tests.runtime.identity import assert_identical, named, sharing_engine

import signbit
from signbit.runtime import _native
from signbit.runtime.reference import ReferenceEngine

SAY = f"import signbit; print(signbit.load({sample_bytes()!r}).threads)"
VERSION1 = Path("/sys/fs/cgroup/cpu")
VERSION2 = Path("/sys/fs/cgroup")


def pixels(engine: signbit.Engine, count: int) -> npt.NDArray[np.uint8]:
    shape = (count, *engine.input_shape)
    return np.random.default_rng(count).integers(0, 256, shape).astype(np.uint8)


def output(command: list[str]) -> str:
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    case=st.one_of(
        strategies.networks,
        strategies.residuals,
        strategies.binarizeds,
        strategies.bandeds,
        strategies.severals,
    )
)
def test_bits_do_not_depend_on_threads(case: Case) -> None:
    feeds = {number: np.concatenate([array] * 3)[:9] for number, array in case.feeds.items()}
    inputs = replace(case, feeds=feeds).inputs
    expected = named(signbit.load(case.data, threads=1)(inputs))
    for threads in (2, 3, 8):
        for load in (signbit.load, sharing_engine):
            actual = load(case.data, threads=threads)(inputs)
            assert_identical(named(actual), expected)


def test_the_default_is_what_this_process_may_use() -> None:
    assert signbit.load(sample_bytes()).threads == _native.available_threads()
    assert 1 <= _native.available_threads() <= len(os.sched_getaffinity(0))


def test_affinity_bounds_the_default() -> None:
    cpu = min(os.sched_getaffinity(0))
    pin = f"import os; os.sched_setaffinity(0, {{{cpu}}}); "
    assert output([sys.executable, "-c", pin + SAY]) == "1"


@pytest.fixture
def quota() -> Iterator[Path]:
    """A control group that gives half a core, if this machine lets us make one."""
    base = VERSION1 if (VERSION1 / "cpu.cfs_quota_us").exists() else VERSION2
    group = base / f"signbit-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        pytest.skip(f"cannot make a control group in {base}")
    try:
        if base == VERSION1:
            (group / "cpu.cfs_period_us").write_text("100000")
            (group / "cpu.cfs_quota_us").write_text("50000")
        else:
            (group / "cpu.max").write_text("50000 100000")
        yield group
    except OSError as error:
        pytest.skip(f"control groups of {base} take no quota: {error}")
    finally:
        with suppress(OSError):
            group.rmdir()


def test_a_quota_bounds_the_default(quota: Path) -> None:
    join = f"import os; open({str(quota / 'cgroup.procs')!r}, 'w').write(str(os.getpid())); "
    assert output([sys.executable, "-c", join + SAY]) == "1"


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_no_node_has_more_threads_than_the_engine(threads: int) -> None:
    cores = _native.available_threads()
    for node in signbit.load(strategies.network(3).data, threads=threads).explain():
        assert 1 <= node["threads"] <= min(threads, cores)
    for node in sharing_engine(sample_bytes(), threads).explain():
        assert 1 <= node["threads"] <= threads


def test_what_takes_less_than_a_barrier_runs_on_one_thread() -> None:
    """Behind the sample's convolutions: three nodes of a sixth of a microsecond each."""
    engine = signbit.load(sample_bytes(), threads=8)
    assert [node["threads"] for node in engine.explain()][2:] == [1, 1, 1]
    assert engine.threads == 8


def test_one_thread_is_never_shared() -> None:
    assert {node["threads"] for node in sharing_engine(sample_bytes(), 1).explain()} == {1}


@pytest.mark.parametrize("load", [signbit.load, sharing_engine])
def test_two_engines_at_once(load: type[signbit.Engine]) -> None:
    """Each call takes the cores that the other leaves; the answers are those of each alone."""
    cases = [strategies.network(3), strategies.network(5)]
    engines = [load(case.data, threads=2) for case in cases]
    images = [pixels(engine, 7) for engine in engines]
    expected = [ReferenceEngine(case.data)(x) for case, x in zip(cases, images, strict=True)]

    def calls(number: int) -> list[Any]:
        return [engines[number](images[number][: 1 + i % 7]) for i in range(200)]

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(calls, (0, 1)))
    for answers, wanted in zip(results, map(named, expected), strict=True):
        for number, answer in enumerate(answers):
            count = 1 + number % 7
            assert_identical(named(answer), {name: y[:count] for name, y in wanted.items()})


def test_affinity_may_change_after_loading() -> None:
    """Pinned to one CPU, the calling thread keeps all the work there, and asks for no more."""
    code = f"""
import os
import numpy as np
import signbit

engine = signbit.load({strategies.network(3).data!r}, threads=2)
images = np.zeros((9, *engine.input_shape), np.uint8)
expected = engine(images)
os.sched_setaffinity(0, {{min(os.sched_getaffinity(0))}})
print((engine(images) == expected).all(), max(node["threads"] for node in engine.explain()))
"""
    assert output([sys.executable, "-c", code]) == "True 1"
