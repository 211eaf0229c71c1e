"""Sums over processes by shared memory, and by torch.distributed where they share none."""

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
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from signbit.training.processes import shared_sums
from signbit.training.processes.shared_sums import rows_of_all, share_gradients, sum_over_processes

out = Path(sys.argv[1])

def joined():
    dist.init_process_group("gloo")
    return dist.get_rank(), dist.get_world_size()

def shares():
    return list(shared_sums._opened.values()) != [None]
"""

SUMS = """
def row(rank, length, dtype):
    return torch.randn(length, generator=torch.Generator().manual_seed(rank)).to(dtype)

def work(shared):
    rank, world = joined()
    if not shared:
        shared_sums.open_shared_rows = lambda: None
    for dtype in (torch.float32, torch.float64, torch.bfloat16, torch.int64):
        for length in (1, 65, 70_000):  # the longest goes in three rounds
            rows = [row(each, length, dtype) for each in range(world)]
            assert torch.equal(rows_of_all(rows[rank]), torch.stack(rows))
            own = rows[rank].clone()
            sum_over_processes(own)
            parts = [torch.empty_like(own) for _ in rows]
            dist.all_gather(parts, own)
            assert all(torch.equal(part, own) for part in parts)
            wanted = rows[0]
            for other in rows[1:]:
                wanted = wanted + other
            if shared and dtype is not torch.bfloat16:
                assert torch.equal(own, wanted)
            assert torch.allclose(own.double(), wanted.double(), rtol=0.1, atol=0.1)
    assert shares() == shared

for shared in (True, False):
    for world in (2, 3, 4):
        worlds.run(world, lambda: work(shared))
"""


@pytest.mark.slow
def test_all_processes_get_the_sum_in_the_order_of_ranks(tmp_path: Path) -> None:
    worlds.run_script(COMMON + SUMS, tmp_path)


# 90,000 gradients are more than a round takes; the second process has a part of another size.
GRADIENTS = """
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(300, 300), nn.ReLU(), nn.Linear(300, 3))

def gradients(model, parts):
    for part in parts[:-1]:
        with model.no_sync():
            model(part).square().sum().backward()
    model(parts[-1]).square().sum().backward()
    return torch.cat([each.grad.flatten() for each in model.parameters()])

def work():
    rank, world = joined()
    found = []
    for shared in (True, False):
        wrapped = DistributedDataParallel(model())
        if shared:
            share_gradients(wrapped)
            assert shares()
        for parts in (1, 3):  # accumulated over as many
            data = torch.randn(parts, 2 + rank, 300, generator=torch.Generator().manual_seed(rank))
            wrapped.zero_grad()
            found.append(gradients(wrapped, data))
    # Halves are exact, and so is the order of two.
    assert all(map(torch.allclose if world > 2 else torch.equal, found[:2], found[2:]))
    for each in found[:2]:
        everybody = [torch.empty_like(each) for _ in range(world)]
        dist.all_gather(everybody, each)
        assert all(torch.equal(each, other) for other in everybody)

for world in (2, 3):
    worlds.run(world, work)
"""


@pytest.mark.slow
def test_gradients_are_averaged_as_torch_does(tmp_path: Path) -> None:
    """Accumulated ones, too; every process gets the same bits."""
    worlds.run_script(COMMON + GRADIENTS, tmp_path)


# The first process is killed, or interrupted, while the second waits in its backward pass.
LOST = """
def work(how):
    rank, world = joined()
    wrapped = DistributedDataParallel(nn.Linear(3, 3))
    share_gradients(wrapped)
    assert shares()
    for step in range(3):
        loss = wrapped(torch.ones(2, 3)).sum()
        if step == 2 and rank == 0:
            (out / how).touch()
            time.sleep(60)
        try:
            loss.backward()
        except (dist.DistError, KeyboardInterrupt) as error:
            (out / f"{how}-said").write_text(type(error).__name__)
            return

for how in ("killed", "interrupted"):
    first, second = worlds.start(2, lambda: work(how))
    worlds.wait_for(out / how)
    time.sleep(0.2)
    os.kill(*((first, signal.SIGKILL) if how == "killed" else (second, signal.SIGINT)))
    assert worlds.wait([second], 20) == [0]
    if how != "killed":
        os.kill(first, signal.SIGKILL)
    worlds.wait([first])
"""


@pytest.mark.slow
def test_backward_ends_where_a_process_is_lost(tmp_path: Path) -> None:
    worlds.run_script(COMMON + LOST, tmp_path)
    for how, said in {"killed": "DistBackendError", "interrupted": "KeyboardInterrupt"}.items():
        assert (tmp_path / f"{how}-said").read_text() == said
