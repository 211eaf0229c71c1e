"""Every objective on two processes with unequal parts against one process with the joined batch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.training import worlds

from signbit.selfsup.objectives.joined_batch import gather_parts, mean_of_joined

PARTS = (5, 3)

# Four steps of 8 images through a queue of 13, in float64; each rank writes what it got.
SCRIPT = f"""
import os, sys
import torch
import torch.distributed as dist
import worlds
from safetensors.torch import save_file
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from signbit.methods import get
from signbit.selfsup import *
from signbit.training.sync_batch_norm import synchronize_batch_norm

def objective(kind):
    torch.manual_seed(0)
    backbone = build_backbone("digits", get("bireal"), channels=1)
    embedder = Embedder(backbone, ProjectionHead(backbone.width, 16, 6))
    teacher = nn.Sequential(nn.Flatten(), nn.Linear(64, 6))
    moco = dict(queue=13, momentum=0.9, temperature=0.2)
    if kind == "contrastive":
        return Contrastive(embedder, **moco)
    if kind == "guided":
        return Guided(embedder, teacher, temperature=0.2)
    return ContrastiveAndGuided(embedder, teacher, guided_temperature=0.5, **moco)

def work(world):
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    rank, found = 0, {{}}
    if world > 1:
        dist.init_process_group("gloo")
        rank = dist.get_rank()
    for kind in ("contrastive", "guided", "both"):
        own = wrapped = objective(kind)
        if world > 1:
            synchronize_batch_norm(own)
            wrapped = DistributedDataParallel(own)
        optimizer = torch.optim.SGD(own.embedder.parameters(), lr=0.3)
        generator = torch.Generator().manual_seed(1)
        for step in range(4):
            pixels = torch.randn(2, 8, 1, 8, 8, generator=generator)
            if world > 1:
                pixels = pixels.split({PARTS}, dim=1)[rank]
            losses = wrapped(*pixels.unbind() if own.needs_two_views else (pixels[0],))
            optimizer.zero_grad()
            losses.total.backward()
            found[f"{{kind}}/{{step}}/total"] = losses.total.detach().clone()
            for name, part in losses.parts.items():
                found[f"{{kind}}/{{step}}/part {{name}}"] = part.clone()
            for name, parameter in own.embedder.named_parameters():
                found[f"{{kind}}/{{step}}/gradient {{name}}"] = parameter.grad.clone()
            optimizer.step()
            own.after_step()
            for name, value in own.state_dict().items():
                found[f"{{kind}}/{{step}}/state {{name}}"] = value.clone()
    save_file(found, sys.argv[1] + f"/{{world}}-{{rank}}")

for world in (1, 2):
    worlds.run(world, lambda: work(world))
"""


@pytest.mark.slow
def test_two_processes_are_one_with_the_joined_batch(tmp_path: Path) -> None:
    worlds.run_script(SCRIPT, tmp_path)
    one = load_file(tmp_path / "1-0")
    two = [load_file(tmp_path / f"2-{rank}") for rank in range(2)]
    assert {*one} == {*two[0]} == {*two[1]}
    assert int(one["both/3/state queue.pointer"]) == 4 * 8 % 13
    for name, value in one.items():
        own = [rank[name] for rank in two]
        # A loss is this process's share; all else is the same on both.
        averaged = "/total" in name or "/part" in name
        for found in [torch.stack(own).mean(0)] if averaged else own:
            torch.testing.assert_close(
                found, value, rtol=1e-9, atol=1e-11, msg=lambda text, at=name: f"{at}: {text}"
            )


def test_one_process_is_the_joined_batch() -> None:
    part = torch.randn(4, 3, requires_grad=True)
    joined, sizes = gather_parts(part)
    assert torch.equal(joined, part)
    assert sizes == [4]
    assert not joined.requires_grad
    assert torch.equal(mean_of_joined(part.T), part.mean(0))
