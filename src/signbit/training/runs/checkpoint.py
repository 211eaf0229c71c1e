"""Checkpoints as folders `epoch-0003/` of safetensors and JSON; nothing is pickled or executed.

A folder appears by one rename, so it is whole or absent. Random states are not stored: every
random choice is derived from the seed and the epoch (signbit.data.loading.seeds).
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from signbit.errors import CheckpointError
from signbit.files import sync_folder, write_file
from signbit.training.runs import whole_files
from signbit.training.runs.state_dicts import load_state

__all__ = ["Checkpoint", "epochs_done", "latest", "of_epoch", "read_checkpoint", "write_checkpoint"]

_NAME = re.compile(r"epoch-(\d+)")
_TENSORS = "state.safetensors"
_FACTS = "state.json"
_MODEL = "model."
_OPTIMIZER = "optimizer."
_KEEP = 2


@dataclass(frozen=True)
class Checkpoint:
    """The state after `epoch` finished epochs; `history` has one entry per epoch."""

    epoch: int
    model: dict[str, Tensor]
    optimizer: dict[str, Any]
    history: list[dict[str, float]]
    recipe_digest: str
    scaler: dict[str, float] = field(default_factory=dict)
    """How gradients are scaled in fp16; empty where they are not."""

    def of_model_alone(self) -> Checkpoint:
        """The same without what going on needs."""
        return replace(self, optimizer={"state": {}, "param_groups": []}, scaler={})

    def restore(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Load both states. Raises CheckpointError where they belong to another network."""
        self.restore_model(model)
        try:
            optimizer.load_state_dict(self.optimizer)
        except (ValueError, KeyError) as error:
            raise CheckpointError(f"the checkpoint's optimizer does not fit: {error}") from error

    def restore_model(self, model: nn.Module) -> None:
        """Load the network's state. Raises CheckpointError where it belongs to another network."""
        load_state(model, self.model, "the checkpoint's network")


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Add `checkpoint` to `folder`, then remove all but the newest two.

    Raises CheckpointError where it cannot be written, on a full disk for one: the older
    checkpoints are then as they were, and nothing of the new one is left.
    """
    target = of_epoch(folder, checkpoint.epoch)
    beside = _hidden(target)
    try:
        with whole_files.writing(target):
            folder.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir()
            _write_state(beside, checkpoint)
            if target.exists():  # of a process that was killed before its epoch was done
                shutil.rmtree(target)
            os.rename(beside, target)
            sync_folder(folder)
    except CheckpointError:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    for old in _checkpoints(folder)[:-_KEEP]:
        # Removing takes many steps, and a kill between them must not leave half a checkpoint.
        os.rename(old, _hidden(old))
    for leftover in folder.glob(".epoch-*.new"):
        shutil.rmtree(leftover)
    return target


def _hidden(path: Path) -> Path:
    """The name of a checkpoint that is not one yet, or no longer."""
    return path.with_name(f".{path.name}.{os.getpid()}.new")


def _write_state(path: Path, checkpoint: Checkpoint) -> None:
    tensors = {_MODEL + name: _plain(value) for name, value in checkpoint.model.items()}
    scalars: dict[str, dict[str, Any]] = {}
    for index, state in checkpoint.optimizer["state"].items():
        for name, value in state.items():
            if isinstance(value, Tensor):
                tensors[f"{_OPTIMIZER}{index}.{name}"] = _plain(value)
            else:
                scalars.setdefault(str(index), {})[name] = value
    write_file(path / _TENSORS, safetensors.torch.save(tensors))
    facts = {
        "epoch": checkpoint.epoch,
        "recipe_digest": checkpoint.recipe_digest,
        "optimizer_groups": checkpoint.optimizer["param_groups"],
        "optimizer_scalars": scalars,
        **({"scaler": checkpoint.scaler} if checkpoint.scaler else {}),
        "history": checkpoint.history,
    }
    whole_files.write_json(path / _FACTS, facts)


def of_epoch(folder: Path, epoch: int) -> Path:
    """Where the checkpoint of that epoch is, if it is kept."""
    return folder / f"epoch-{epoch:04d}"


def latest(folder: Path) -> Path | None:
    """The newest checkpoint of `folder`, or None."""
    checkpoints = _checkpoints(folder)
    return checkpoints[-1] if checkpoints else None


def epochs_done(folder: Path) -> int:
    """How many epochs are finished, by the newest checkpoint of `folder`."""
    newest = latest(folder)
    match = newest and _NAME.fullmatch(newest.name)
    return int(match[1]) if match else 0


def read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint in folder `path`. Raises CheckpointError where it is missing or damaged."""
    try:
        facts = whole_files.read_json(path / _FACTS)
        tensors = safetensors.torch.load((path / _TENSORS).read_bytes())
        state: dict[int, dict[str, Any]] = {
            int(index): dict(values) for index, values in facts["optimizer_scalars"].items()
        }
        for name, value in tensors.items():
            if name.startswith(_OPTIMIZER):
                index, key = name.removeprefix(_OPTIMIZER).split(".", 1)
                state.setdefault(int(index), {})[key] = value
        epoch, history = int(facts["epoch"]), list(facts["history"])
        if len(history) != epoch:
            raise ValueError(f"{epoch} finished epochs, but {len(history)} in its history")
        return Checkpoint(
            epoch=epoch,
            model={
                name.removeprefix(_MODEL): value
                for name, value in tensors.items()
                if name.startswith(_MODEL)
            },
            optimizer={"state": state, "param_groups": facts["optimizer_groups"]},
            history=history,
            recipe_digest=str(facts["recipe_digest"]),
            scaler=dict(facts.get("scaler", {})),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        raise CheckpointError(
            f"{path}: this checkpoint is damaged ({error}); remove the folder to go on from the "
            "one before"
        ) from error


def _checkpoints(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    found = [(match, path) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))]
    return [path for match, path in sorted(found, key=lambda item: int(item[0][1]))]


def _plain(value: Tensor) -> Tensor:
    # safetensors refuses tensors that share memory, which state dicts may contain.
    return value.detach().to("cpu", copy=True).contiguous()
