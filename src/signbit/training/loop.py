"""The loop over epochs and steps that every kind of training shares, on Accelerate.

What a step computes, and on which images, is the Task's; saving is the caller's.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch
from accelerate import Accelerator
from torch import Tensor

from signbit.data.loading.seeds import derive_seed
from signbit.errors import DivergedError
from signbit.training.progress import TrainingProgress
from signbit.training.recipe.sections import Schedule
from signbit.training.runs.scalars import Scalars
from signbit.training.schedule import learning_rate, progress_at

__all__ = ["EpochPlan", "Step", "Task", "run_epochs"]


@dataclass(frozen=True)
class Step:
    """A step's loss on this process; `images` is how many it saw itself.

    `waited` is for how many seconds it had to wait for them. The losses of all processes,
    averaged, are the mean over the images of the whole step.
    """

    loss: Tensor
    images: int
    waited: float = 0.0


class Task(Protocol):
    """What the loop asks of a kind of training."""

    @property
    def steps(self) -> int:
        """Steps per epoch."""

    def start_epoch(self, epoch: int) -> None:
        """Set everything that depends on the epoch, which counts from 0."""

    def forward(self, epoch: int) -> Iterator[Step]:
        """The losses of the epoch's steps, in order."""

    def after_step(self) -> None:
        """Called after each update of the parameters."""

    def evaluate(self, epoch: int) -> dict[str, float]:
        """Measures after epoch `epoch`, all of them finite where all is well."""


@dataclass(frozen=True)
class EpochPlan:
    """How long, how fast, and from which seed; `rates` are the groups' of the optimiser."""

    epochs: int
    schedule: Schedule
    rates: tuple[float, ...]
    seed: int


def run_epochs(
    task: Task,
    plan: EpochPlan,
    optimizer: torch.optim.Optimizer,
    accelerator: Accelerator,
    *,
    scaler: torch.amp.GradScaler,
    first: int,
    progress: TrainingProgress,
    scalars: Scalars | None,
    finish: Callable[[int, dict[str, float]], None],
    enough: Callable[[], bool] = lambda: False,
) -> None:
    """Train epochs `first` … plan.epochs − 1; `finish(epoch, entry)` follows each of them.

    None is begun once there are `enough`.

    `entry` is a line of history: epoch (from 1), train_loss, lr (of the first group, at the epoch's
    start), seconds (of training alone), images_per_second, wait, and what `task.evaluate` measures.
    wait is the share of the seconds, 0 … 1, that the process that waited longest waited for its
    images. The learning rates are set anew before each step. A disabled `scaler` leaves all
    gradients alone. Raises DivergedError, before `finish`, where the train loss, a measure or a
    parameter stops being finite.
    """
    for epoch in range(first, plan.epochs):
        if enough():
            break
        # Whatever a network draws (dropout, say) depends on the epoch alone: data.loading.seeds.
        torch.manual_seed(derive_seed(plan.seed, "epoch", epoch, accelerator.process_index))
        task.start_epoch(epoch)
        at = partial(progress_at, plan.schedule, epoch, epochs=plan.epochs, steps=task.steps)
        lr = learning_rate(plan.schedule, plan.rates[0], at(0))
        started = time.perf_counter()
        total, images, waited = 0.0, 0, 0.0
        for index, step in enumerate(task.forward(epoch)):
            done = epoch * task.steps + index
            for group, base in zip(optimizer.param_groups, plan.rates, strict=True):
                group["lr"] = learning_rate(plan.schedule, base, at(index))
            optimizer.zero_grad()
            accelerator.backward(scaler.scale(step.loss))
            scaler.step(optimizer)
            scaler.update()
            task.after_step()
            loss = step.loss.item()
            total += loss
            images += step.images * accelerator.num_processes
            waited += step.waited
            passed = time.perf_counter() - started
            progress.step(epoch, loss, images / passed, waited / passed)
            if scalars is not None:
                scalars.add("train/loss", loss, done + 1)
                scalars.add("train/lr", optimizer.param_groups[0]["lr"], done + 1)
        seconds = time.perf_counter() - started
        waits = accelerator.gather(torch.tensor([waited], device=accelerator.device))
        mean = torch.tensor(total / task.steps, dtype=torch.float64)
        mean = accelerator.reduce(mean.to(accelerator.device), reduction="mean")
        train_loss = float(mean)
        _require_finite(f"the loss of epoch {epoch + 1}", train_loss)
        # A sign hides a weight that is NaN or infinite, so losses alone do not show it.
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                # The sum of 0·x is 0 for finite x, and NaN otherwise.
                _require_finite(
                    f"a parameter after epoch {epoch + 1}", float((parameter.detach() * 0).sum())
                )
        measures = task.evaluate(epoch)
        for name, value in measures.items():
            _require_finite(f"the {name.replace('_', ' ')} of epoch {epoch + 1}", value)
        entry = {
            "epoch": epoch + 1,
            "train_loss": train_loss,
            **measures,
            "lr": lr,
            "seconds": seconds,
            "images_per_second": images / seconds,
            "wait": float(waits.max()) / seconds,
        }
        if scalars is not None:
            for name in (*measures, "seconds", "wait"):
                # Measures of one layer have groups of their own: flips/NAME and the like.
                shown = name if "/" in name else f"epoch/{name}"
                scalars.add(shown, entry[name], (epoch + 1) * task.steps)
            scalars.flush()
        finish(epoch, entry)
        progress.epoch(entry)


def _require_finite(what: str, value: float) -> None:
    if not math.isfinite(value):
        raise DivergedError(f"training diverged: {what} is {value}; lower optimizer.lr")
