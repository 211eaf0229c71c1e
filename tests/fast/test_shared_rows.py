"""Rows of several processes: everybody reads the same, and learns of those who are gone."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.training import worlds

COMMON = """
import os, signal, sys, time
from pathlib import Path
import torch
import torch.distributed as dist
import worlds
from signbit.fast import shared_rows

out = Path(sys.argv[1])

def opened():
    dist.init_process_group("gloo")
    return dist.get_rank(), shared_rows.open_shared_rows()
"""

EXCHANGED = """
def row(rank, step):
    generator = torch.Generator().manual_seed(100 * step + rank)
    dtype = (torch.float32, torch.float64)[step % 2]
    length = (1, 3, 65, 32768)[step // 2 % 4]
    return torch.randn(length, dtype=dtype, generator=generator)

def work(world):
    rank, rows = opened()
    for step in range(60):
        if step % 7 == rank:
            time.sleep(0.004)
        found = rows.exchange(row(rank, step), 60)
        assert torch.equal(found, torch.stack([row(each, step) for each in range(world)]))
    assert rows.size_of(world) % 4096 == 0

for world in (2, 3, 4):
    worlds.run(world, lambda: work(world))
"""


def test_everybody_reads_everybody_s_rows(tmp_path: Path) -> None:
    worlds.run_script(COMMON + EXCHANGED, tmp_path)


# A zombie has lost its lock; a process that sleeps has not.
LOST = """
def work(how):
    rank, rows = opened()
    late = dist.new_group([1, 2])
    rows.exchange(torch.zeros(3), 60)
    if rank == 0 and how == "ended":
        return
    if rank == 0:
        (out / how).touch()
        time.sleep(60)
    began = time.monotonic()
    try:
        rows.exchange(torch.zeros(3), 0.5 if how == "late" else 60)
    except dist.DistError as error:
        assert isinstance(error, RuntimeError)
        (out / f"{how}-{rank}").write_text(str(error))
    except KeyboardInterrupt:
        (out / f"{how}-{rank}").write_text("interrupted")
    assert time.monotonic() - began < 20
    if rank > 0:
        dist.barrier(late)  # so that neither finds the other gone

for how in ("ended", "killed", "late", "interrupted"):
    first, *others = worlds.start(3, lambda: work(how))
    if how != "ended":
        worlds.wait_for(out / how)
    if how == "killed":
        os.kill(first, signal.SIGKILL)
    if how == "interrupted":
        time.sleep(0.3)
        for other in others:
            os.kill(other, signal.SIGINT)
    assert worlds.wait(others) == [0, 0]
    if how != "killed" and how != "ended":
        os.kill(first, signal.SIGKILL)
    worlds.wait([first])
"""


@pytest.mark.slow
def test_a_process_that_does_not_come_is_named(tmp_path: Path) -> None:
    worlds.run_script(COMMON + LOST, tmp_path)
    for how, said in {
        "ended": "process 0 of this training has ended",
        "killed": "process 0 of this training has ended",
        "late": "a process did not come within 0 seconds",
        "interrupted": "interrupted",
    }.items():
        assert [(tmp_path / f"{how}-{rank}").read_text() for rank in (1, 2)] == [said, said]


DIFFERENT = """
def lengths():
    rank, rows = opened()
    try:
        rows.exchange(torch.zeros(3 + rank), 60)
    except RuntimeError as error:
        assert "rows of different lengths" in str(error)
        dist.barrier()
        return
    raise AssertionError

def apart():
    # As where the second process is on another machine.
    if int(os.environ["RANK"]) == 1:
        shared_rows._memory_of = lambda *owner: -1
    assert opened()[1] is None

def without_memory():
    os.memfd_create = lambda *name: (_ for _ in ()).throw(OSError())
    assert opened()[1] is None

for function in (lengths, apart, without_memory):
    worlds.run(2, function)
"""


def test_rows_that_differ_and_processes_apart(tmp_path: Path) -> None:
    worlds.run_script(COMMON + DIFFERENT, tmp_path)


def test_only_the_memory_that_is_meant_is_opened() -> None:
    import os

    from signbit.fast.shared_rows import _memory_of, _new_memory

    file = _new_memory(5, 4096)
    try:
        assert _memory_of(os.getpid(), file, 6) == -1
        assert _memory_of(os.getpid(), 1000, 5) == -1
        found = _memory_of(os.getpid(), file, 5)
        assert os.fstat(found).st_ino == os.fstat(file).st_ino
        os.close(found)
    finally:
        os.close(file)
