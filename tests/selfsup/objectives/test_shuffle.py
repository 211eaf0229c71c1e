"""Keys of unsynchronised batch normalisation: dealt among the processes, and put back in order."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.training import worlds
from torch import nn

from signbit.selfsup.objectives.shuffle import encode_joined

PARTS = (5, 3)

SCRIPT = f"""
import sys
import torch
import torch.distributed as dist
import worlds
from safetensors.torch import save_file
from torch import nn
from signbit.methods import get
from signbit.selfsup import *
from signbit.selfsup.objectives.shuffle import encode_joined
from signbit.training.sync_batch_norm import synchronize_batch_norm

def kinds():
    yield "plain", nn.Sequential(nn.BatchNorm1d(3, affine=False))
    yield "synchronised", synchronize_batch_norm(nn.Sequential(nn.BatchNorm1d(3, affine=False)))
    yield "eval", nn.Sequential(nn.BatchNorm1d(3)).eval()
    yield "none", nn.Sequential(nn.Identity())

def work():
    torch.set_default_dtype(torch.float64)
    dist.init_process_group("gloo")
    rank, found = dist.get_rank(), {{}}
    images = torch.randn(8, 3, generator=torch.Generator().manual_seed(1))
    for kind, network in kinds():
        torch.manual_seed(5 + rank)
        seen = []
        def encode(rows):
            seen.append(rows)
            return network(rows)
        own, joined = encode_joined(network, encode, images.split({PARTS})[rank])
        found |= {{f"{{kind}}/own": own.clone(), f"{{kind}}/joined": joined.clone()}}
        found |= {{f"{{kind}}/seen": torch.cat(seen).clone(), "images": images}}
    torch.manual_seed(0)
    backbone = build_backbone("digits", get("bireal"), channels=1)
    embedder = Embedder(backbone, ProjectionHead(backbone.width, 16, 6))
    own = Contrastive(embedder, queue=13, momentum=0.9, temperature=0.2)
    pixels = torch.randn(2, 8, 1, 8, 8, generator=torch.Generator().manual_seed(2))
    torch.manual_seed(5 + rank)
    seen = []
    own.key_encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    own(*pixels.split({PARTS}, dim=1)[rank]).total.backward()
    own.after_step()
    found |= {{"moco/queue": own.queue.keys, "moco/seen": torch.cat(seen), "pixels": pixels[1]}}
    save_file(found, sys.argv[1] + f"/rank{{rank}}")

worlds.run({len(PARTS)}, work)
"""


@pytest.mark.slow
def test_images_are_dealt_and_keys_put_back(tmp_path: Path) -> None:
    worlds.run_script(SCRIPT, tmp_path)
    ranks = [load_file(tmp_path / f"rank{rank}") for rank in range(2)]
    images = ranks[0]["images"]
    order = torch.randperm(8, generator=torch.Generator().manual_seed(5))
    dealt = [images[part] for part in order.split(PARTS)]
    assert not torch.equal(dealt[0], images[:5])
    expected = torch.empty_like(images)
    for part, rows in zip(order.split(PARTS), dealt, strict=True):
        expected[part] = (rows - rows.mean(0)) / (rows.var(0, correction=0) + 1e-5).sqrt()
    whole = (images - images.mean(0)) / (images.var(0, correction=0) + 1e-5).sqrt()
    results = {
        "plain": expected,
        "synchronised": whole,
        "eval": images / (1 + 1e-5) ** 0.5,
        "none": images,
    }
    for rank, found in enumerate(ranks):
        for kind, joined in results.items():
            seen = dealt[rank] if kind == "plain" else images.split(PARTS)[rank]
            assert torch.equal(found[f"{kind}/seen"], seen), kind
            own = joined.split(PARTS)[rank]
            torch.testing.assert_close(found[f"{kind}/joined"], joined, rtol=1e-12, atol=1e-12)
            torch.testing.assert_close(found[f"{kind}/own"], own, rtol=1e-12, atol=1e-12)
    assert torch.equal(ranks[0]["moco/queue"], ranks[1]["moco/queue"])
    for rank, part in enumerate(order.split(PARTS)):
        assert torch.equal(ranks[rank]["moco/seen"], ranks[0]["pixels"][part])


def test_one_process_has_nothing_to_shuffle() -> None:
    network = nn.BatchNorm1d(3, affine=False)
    images = torch.randn(8, 3, requires_grad=True)
    own, joined = encode_joined(network, network, images)
    torch.testing.assert_close(own, nn.BatchNorm1d(3, affine=False)(images).detach())
    assert torch.equal(own, joined)
    assert not own.requires_grad
