"""Three processes with parts of unequal size against torch's own layer on the joined batch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file
from tests.training import worlds
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from signbit.compiler import compile_model
from signbit.training.sync_batch_norm import (
    SyncBatchNorm1d,
    SyncBatchNorm2d,
    leave_joined_buffers,
    synchronize_batch_norm,
)

PARTS = (5, 1, 3)

# Two steps of every case below; each rank writes what it got.
SCRIPT = f"""
import sys
import torch
import torch.distributed as dist
import worlds
from safetensors.torch import load_file, save_file
from signbit.training.sync_batch_norm import synchronize_batch_norm

cases = load_file(sys.argv[1] + "/cases")

def norm_for(x, options):
    kind = torch.nn.BatchNorm2d if x.dim() == 4 else torch.nn.BatchNorm1d
    return torch.nn.Sequential(kind(x.shape[1], dtype=x.dtype, **options))

def work():
    dist.init_process_group("gloo")
    rank, found = dist.get_rank(), {{}}
    for name in sorted({{key.split("/")[0] for key in cases}}):
        xs, gs = cases[name + "/x"], cases[name + "/g"]
        options = {{"momentum": None}} if "average" in name else {{}}
        options |= {{"affine": False}} if "plain" in name else {{}}
        layer = synchronize_batch_norm(norm_for(xs[0], options))
        if layer[0].affine:
            torch.nn.init.uniform_(layer[0].weight, -1, 1, torch.Generator().manual_seed(0))
        for step, (x, g) in enumerate(zip(xs, gs)):
            own = x.split({PARTS})[rank].clone().requires_grad_()
            layer.zero_grad()
            y = layer(own)
            y.backward(g.split({PARTS})[rank])
            found[f"{{name}}/{{step}}/y"] = y.detach().clone()
            found[f"{{name}}/{{step}}/x"] = own.grad.clone()
            for key, value in layer[0].named_parameters():
                dist.all_reduce(value.grad)
                found[f"{{name}}/{{step}}/{{key}}"] = value.grad.clone()
            for key, value in layer[0].named_buffers():
                found[f"{{name}}/{{step}}/{{key}}"] = value.clone()
    save_file(found, sys.argv[1] + f"/rank{{rank}}")

worlds.run({len(PARTS)}, work)
"""

SHAPES = {"maps": (9, 4, 3, 5), "rows": (9, 4), "rows average": (9, 4), "maps plain": (9, 2, 2, 2)}


def cases() -> dict[str, Tensor]:
    """Per case two steps of inputs and of output gradients; "far" has a mean of 300 deviations."""
    found = {}
    for name, shape in SHAPES.items():
        for dtype in (torch.float32, torch.float64):
            key = f"{name} {dtype}"
            found[f"{key}/x"] = torch.randn(2, *shape).to(dtype) * 3 + 1
            found[f"{key}/g"] = torch.randn(2, *shape).to(dtype)
    found["far/x"] = torch.randn(2, 9, 4, 3, 3) + 300
    found["far/g"] = torch.randn(2, 9, 4, 3, 3)
    return found


def joined(name: str, xs: Tensor, gs: Tensor) -> dict[str, Tensor]:
    """What torch's layer gives for the same steps, in float64."""
    options: dict[str, object] = {"momentum": None} if "average" in name else {}
    options |= {"affine": False} if "plain" in name else {}
    kind = nn.BatchNorm2d if xs.dim() == 5 else nn.BatchNorm1d
    layer = kind(xs.shape[2], dtype=xs.dtype, **options)  # type: ignore[arg-type]
    if layer.affine:
        nn.init.uniform_(layer.weight, -1, 1, torch.Generator().manual_seed(0))
    layer.double()
    found = {}
    for step, (x, g) in enumerate(zip(xs.double(), gs.double(), strict=True)):
        whole = x.clone().requires_grad_()
        layer.zero_grad()
        y = layer(whole)
        y.backward(g)
        assert whole.grad is not None
        found |= {f"{step}/y": y.detach(), f"{step}/x": whole.grad}
        found |= {f"{step}/{key}": value.grad for key, value in layer.named_parameters()}
        found |= {f"{step}/{key}": value.clone() for key, value in layer.named_buffers()}
    return found


@pytest.mark.slow
def test_parts_of_a_batch_give_what_the_joined_batch_gives(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    given = cases()
    save_file(given, tmp_path / "cases")
    worlds.run_script(SCRIPT, tmp_path)
    ranks = [load_file(tmp_path / f"rank{rank}") for rank in range(len(PARTS))]
    for name in sorted({key.split("/")[0] for key in given}):
        expected = joined(name, given[f"{name}/x"], given[f"{name}/g"])
        assert len(expected) >= 10
        limit = 1e-12 if "float64" in name else 1e-3 if name == "far" else 5e-6
        for key, value in expected.items():
            own = [rank[f"{name}/{key}"] for rank in ranks]
            if key.endswith(("/y", "/x")):
                own = [torch.cat(own)]
            for found in own:
                torch.testing.assert_close(
                    found.double(), value.double(), rtol=limit, atol=limit,
                    msg=lambda text, at=f"{name} {key}": f"{at}: {text}",
                )  # fmt: skip


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Hardtanh(), nn.Flatten(),
        nn.BatchNorm1d(16), nn.Linear(16, 3),
    )  # fmt: skip


def test_conversion_keeps_every_tensor_and_name() -> None:
    model = network().train()
    model[4].eval()
    before = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    assert synchronize_batch_norm(model) is model
    assert [type(model[1]), type(model[4])] == [SyncBatchNorm2d, SyncBatchNorm1d]
    assert [model[1].training, model[4].training] == [True, False]
    after = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    assert list(after) == list(before)
    assert all(after[name] is before[name] for name in before)
    network().load_state_dict(model.state_dict())


def test_a_converted_network_evaluates_and_compiles_like_the_plain_one() -> None:
    plain = network()
    with torch.no_grad():
        for buffer in plain.buffers():
            if buffer.is_floating_point():
                buffer.uniform_(0.5, 2)
    converted = network()
    converted.load_state_dict(plain.state_dict())
    synchronize_batch_norm(converted)
    x = torch.randn(2, 1, 4, 4)
    assert torch.equal(converted.eval()(x), plain.eval()(x))

    def compiled(model: nn.Module) -> bytes:
        return compile_model(
            model, input_size=(4, 4, 1), mean=[0.5], std=[0.5], class_names=["a", "b", "c"],
            resize_shorter_side=4,
        ).data  # fmt: skip

    assert compiled(converted) == compiled(plain)


def test_one_value_a_channel_is_refused(tmp_path: Path) -> None:
    import torch.distributed as dist

    model = synchronize_batch_norm(nn.Sequential(nn.BatchNorm1d(3)))
    dist.init_process_group("gloo", store=dist.FileStore(str(tmp_path / "s"), 1), rank=0,
                            world_size=1)  # fmt: skip
    try:
        with pytest.raises(ValueError, match="two values per channel"):
            model(torch.zeros(1, 3))
    finally:
        dist.destroy_process_group()


@pytest.fixture
def one_process(tmp_path: Path) -> Iterator[None]:
    """A process group of this process alone."""
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.usefixtures("one_process")
def test_only_buffers_that_all_compute_are_not_sent() -> None:
    joined = DistributedDataParallel(synchronize_batch_norm(network()))
    with_own = DistributedDataParallel(nn.Sequential(joined.module, nn.BatchNorm1d(3)))
    for wrapped in (joined, with_own):
        leave_joined_buffers(wrapped)
    assert not joined.broadcast_buffers
    assert with_own.broadcast_buffers
    leave_joined_buffers(network())  # of a process that trains alone


@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_each_device_has_kernels_for_it(device: str, affine: bool) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    x, gradient = torch.randn(2, 6, 4, 3, 3, dtype=torch.float64)
    found = []
    for synchronized, where in ((False, "cpu"), (True, device)):
        layer = nn.Sequential(nn.BatchNorm2d(4, affine=affine)).double().to(where)
        if synchronized:
            synchronize_batch_norm(layer)
        own = x.detach().to(where).requires_grad_()
        y = layer(own)
        y.backward(gradient.to(where))
        assert own.grad is not None
        found.append([y.detach(), own.grad, *(each.grad for each in layer.parameters())])
    for expected, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours.cpu(), expected, rtol=1e-10, atol=1e-12)
