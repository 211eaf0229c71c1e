"""Every objective on a GPU against the CPU; skipped where there is none."""

from __future__ import annotations

import copy

import pytest
import torch
from tests.selfsup import small

from signbit.selfsup import Contrastive, ContrastiveAndGuided, Guided, Objective, diagnose

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")

MOCO = {"queue": 12, "momentum": 0.9, "temperature": 0.2}


def objective(kind: str) -> Objective:
    embedder = small.embedder()
    if kind == "contrastive":
        return Contrastive(embedder, **MOCO).double()
    if kind == "guided":
        return Guided(embedder, small.teacher(), temperature=0.2).double()
    return ContrastiveAndGuided(
        embedder, small.teacher(), guided_temperature=0.5, **MOCO
    ).double()  # fmt: skip


@pytest.mark.parametrize("kind", ["contrastive", "guided", "both"])
def test_three_steps_are_those_of_the_cpu(kind: str) -> None:
    here = objective(kind)
    there = copy.deepcopy(here).cuda()
    for step in range(3):
        totals = []
        for own, device in ((here, "cpu"), (there, "cuda")):
            own.zero_grad()
            loss = own(*small.views(step).to(device)).total
            loss.backward()
            with torch.no_grad():
                for parameter in own.embedder.parameters():
                    parameter -= 0.3 * parameter.grad
            own.after_step()
            totals.append(loss.item())
        assert totals[1] == pytest.approx(totals[0], rel=1e-9)
    for (name, value), found in zip(
        here.state_dict().items(), there.state_dict().values(), strict=True
    ):
        assert found.is_cuda
        torch.testing.assert_close(found.cpu(), value, rtol=1e-7, atol=1e-9, msg=name)


@pytest.mark.parametrize("kind", ["contrastive", "guided", "both"])
def test_sixteen_bits_are_compared_in_float32(kind: str) -> None:
    own = objective(kind).float().cuda()
    with torch.autocast("cuda", torch.bfloat16):
        losses = own(*small.views().float().cuda())
    assert losses.total.dtype == torch.float32
    losses.total.backward()
    own.after_step()
    assert all(parameter.grad.isfinite().all() for parameter in own.embedder.parameters())


def test_measures_are_those_of_the_cpu() -> None:
    rows = [torch.randn(40, dim, dtype=torch.float64) for dim in (9, 6, 6)]
    there = diagnose(*(each.cuda() for each in rows))
    assert there == pytest.approx(diagnose(*rows), rel=1e-9)
