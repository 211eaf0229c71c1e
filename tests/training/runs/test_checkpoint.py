import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from signbit.errors import CheckpointError
from signbit.training.runs.checkpoint import Checkpoint, latest, read_checkpoint, write_checkpoint

Optimizers = Callable[[nn.Module], torch.optim.Optimizer]


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)


def adam(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=0.1)


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def steps(model: nn.Module, optimizer: torch.optim.Optimizer, count: int) -> None:
    for step in range(count):
        x = torch.randn(5, 3, generator=torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        model(x).square().sum().backward()
        optimizer.step()


def snapshot(epoch: int, model: nn.Module, optimizer: torch.optim.Optimizer) -> Checkpoint:
    history = [{"epoch": float(n + 1), "top1": 0.5} for n in range(epoch)]
    return Checkpoint(epoch, model.state_dict(), optimizer.state_dict(), history, "digest")


def write_one(folder: Path, epoch: int = 1) -> Path:
    model = network()
    optimizer = sgd(model)
    steps(model, optimizer, 1)
    return write_checkpoint(folder, snapshot(epoch, model, optimizer))


@pytest.mark.parametrize("make", [sgd, adam])
def test_training_goes_on_with_the_same_bits(tmp_path: Path, make: Optimizers) -> None:
    model = network()
    optimizer = make(model)
    steps(model, optimizer, 3)
    path = write_checkpoint(tmp_path, snapshot(2, model, optimizer))
    steps(model, optimizer, 3)

    again = network()
    optimizer_again = make(again)
    checkpoint = read_checkpoint(path)
    checkpoint.restore(again, optimizer_again)
    steps(again, optimizer_again, 3)

    assert checkpoint.epoch == 2
    assert checkpoint.history == [{"epoch": 1.0, "top1": 0.5}, {"epoch": 2.0, "top1": 0.5}]
    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name


def test_nothing_is_pickled(tmp_path: Path) -> None:
    path = write_one(tmp_path)
    assert sorted(os.listdir(path)) == ["state.json", "state.safetensors"]
    assert path.name == "epoch-0001"


def test_the_newest_two_stay(tmp_path: Path) -> None:
    for epoch in (1, 2, 3, 10000):
        write_one(tmp_path, epoch)
    assert sorted(os.listdir(tmp_path)) == ["epoch-0003", "epoch-10000"]
    newest = latest(tmp_path)
    assert newest is not None
    assert newest.name == "epoch-10000"


def test_an_unfinished_checkpoint_is_no_checkpoint_and_is_tidied_away(tmp_path: Path) -> None:
    assert latest(tmp_path / "absent") is None
    unfinished = tmp_path / ".epoch-0001.4711.new"
    unfinished.mkdir(parents=True)
    (unfinished / "state.json").write_text("{")
    assert latest(tmp_path) is None
    write_one(tmp_path)
    assert os.listdir(tmp_path) == ["epoch-0001"]


def test_a_kill_before_the_rename_leaves_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write_one(tmp_path)

    def killed(source: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        write_one(tmp_path, 2)
    assert latest(tmp_path) == first
    assert read_checkpoint(first).epoch == 1


@pytest.mark.parametrize("name", ["state.json", "state.safetensors"])
def test_damage_is_named(tmp_path: Path, name: str) -> None:
    path = write_one(tmp_path)
    (path / name).write_bytes((path / name).read_bytes()[:-20])
    with pytest.raises(CheckpointError, match=r"epoch-0001: this checkpoint is damaged"):
        read_checkpoint(path)
    (path / name).unlink()
    with pytest.raises(CheckpointError, match=r"epoch-0001: this checkpoint is damaged"):
        read_checkpoint(path)


def test_a_history_of_another_length_is_damage(tmp_path: Path) -> None:
    state = write_one(tmp_path, 2) / "state.json"
    facts = json.loads(state.read_text("utf-8"))
    facts["history"].pop()
    state.write_text(json.dumps(facts))
    with pytest.raises(CheckpointError, match=r"2 finished epochs, but 1 in its history"):
        read_checkpoint(state.parent)


def test_another_network_is_refused(tmp_path: Path) -> None:
    checkpoint = read_checkpoint(write_one(tmp_path))
    other = nn.Sequential(nn.Linear(3, 5))
    with pytest.raises(CheckpointError, match="network does not fit"):
        checkpoint.restore(other, sgd(other))
    model = network()
    fewer = torch.optim.SGD([next(iter(model.parameters()))], lr=0.1)
    with pytest.raises(CheckpointError, match="optimizer does not fit"):
        checkpoint.restore(model, fewer)


def test_a_checkpoint_that_cannot_be_written_is_named_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write_one(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        CheckpointError, match=r"epoch-0002: cannot be written \(No space left on device\); make"
    ):
        write_one(tmp_path, 2)
    assert os.listdir(tmp_path) == ["epoch-0001"]
    assert read_checkpoint(first).epoch == 1
