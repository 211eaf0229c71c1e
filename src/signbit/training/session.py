"""One run while it is trained: everything that its recipe names, opened, and its folder, held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn

from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.loader import Loader
from signbit.data.loading.say import Say
from signbit.data.pixels.preprocessing import Preprocessing
from signbit.errors import SignbitError
from signbit.extensions import differences
from signbit.training.loop import EpochPlan, Task, run_epochs
from signbit.training.precision import Precision
from signbit.training.processes import require_agreement
from signbit.training.processes.shared_sums import share_gradients
from signbit.training.progress import TrainingProgress
from signbit.training.recipe import Recipe
from signbit.training.recipe.identity import recipe_digest
from signbit.training.reports.sign_balance import stuck_signs
from signbit.training.runs.best_epoch import is_finished, kept_epoch
from signbit.training.runs.checkpoint import Checkpoint, write_checkpoint
from signbit.training.runs.facts import run_facts
from signbit.training.runs.folder import RunFolder
from signbit.training.runs.log import RunLog
from signbit.training.runs.result import RunResult
from signbit.training.runs.scalars import Scalars
from signbit.training.sync_batch_norm import leave_joined_buffers
from signbit.training.torch_compile import compiled

__all__ = ["Learner", "Materials", "Session"]


@dataclass(frozen=True)
class Materials:
    """What a kind of training makes its task of, once its learner is ready.

    `wrapped` is the learner's model as Accelerate and torch.compile made it callable; `loader`
    gives this process's part of the training images; all images have the sizes they are used in.
    `validation` are the images that choose the epoch, if any does but those of `test`. Who watches
    the run hears what is handed to `say`.
    """

    wrapped: nn.Module
    loader: Loader
    test: ImageDataset
    validation: ImageDataset | None
    precision: Precision
    accelerator: Accelerator
    say: Say


@dataclass(frozen=True)
class Learner:
    """What one kind of training trains.

    Checkpoints hold the state of `model`, and of `optimizer`, which moves parameters of it.
    The digests are of whoever teaches it and of the weights that it begins with.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    preprocessing: Preprocessing
    task: Callable[[Materials], Task]
    teacher_digest: str | None = None
    start_digest: str | None = None
    notes: tuple[str, ...] = ()
    """Lines about it for who watches a run begin."""


@dataclass
class Session:
    """What `train` needs; the main process holds the lock of `folder` meanwhile.

    `images` are those of "training" and "test", and of "validation" where some choose the epoch;
    `image_names`, where the run folder lists them, what those of each part are called.
    """

    recipe: Recipe
    folder: RunFolder
    accelerator: Accelerator
    learner: Learner
    images: dict[str, ImageDataset]
    image_names: dict[str, list[str | int]] | None
    progress: bool
    log: RunLog | None = None
    history: list[dict[str, float]] = field(default_factory=list)

    def train(self) -> RunResult:
        """Train the epochs that are left. The folder is read anew, now nobody changes it."""
        learner = self.learner
        rates = tuple(float(group["lr"]) for group in learner.optimizer.param_groups)
        precision = Precision(self.recipe.precision, self.accelerator.device.type)
        facts = self._open_folder(precision.scaler)
        if self.log is not None:
            self.log.begin()
        first = len(self.history)
        wrapped, optimizer = self.accelerator.prepare(learner.model, learner.optimizer)
        share_gradients(wrapped)
        leave_joined_buffers(wrapped)
        if self.recipe.compile:
            wrapped = compiled(wrapped, learner.model)
        loader = Loader(
            self.images["training"],
            self.recipe.batch_size,
            self.recipe.seed,
            rank=self.accelerator.process_index,
            world=self.accelerator.num_processes,
        )
        show = self.progress and self.accelerator.is_main_process
        say = TrainingProgress(self.recipe.epochs, 0, 0, show=show, log=self.log).say
        images = self.images
        task = learner.task(
            Materials(
                wrapped,
                loader,
                images["test"],
                images.get("validation"),
                precision,
                self.accelerator,
                say,
            )
        )

        scalars = None
        if self.accelerator.is_main_process:
            # Points that a killed run wrote after its last checkpoint are hidden.
            scalars = Scalars(self.folder.tensorboard, purge_from=first * task.steps + 1)
        epochs = self.recipe.epochs
        with TrainingProgress(epochs, task.steps, first, show=show, log=self.log) as shown:
            if first:
                self._say_what_changed(shown, facts)

            def finish(epoch: int, entry: dict[str, float]) -> None:
                self._save(entry, optimizer, precision.scaler)
                if epoch == 0:
                    for line in stuck_signs(entry):
                        shown.say(f"warning: {line}")

            try:
                run_epochs(
                    task,
                    EpochPlan(epochs, self.recipe.schedule, rates, self.recipe.seed),
                    optimizer,
                    self.accelerator,
                    scaler=precision.scaler,
                    first=first,
                    progress=shown,
                    scalars=scalars,
                    finish=finish,
                    enough=lambda: is_finished(self.recipe, self.history),
                )
            except SignbitError as error:
                if self.log is not None:
                    self.log.say(f"error: {error}")
                raise
            except KeyboardInterrupt:
                shown.say(
                    f"{self.folder.path}: stopped after {len(self.history)} of {epochs} epochs; "
                    "the same command goes on from there"
                )
                raise
            finally:
                if scalars is not None:
                    scalars.close()
            if self.recipe.early_stopping is not None:
                shown.say(f"{self.folder.path}: {self._kept()}")
        return RunResult.of(self.folder.path, self.history, resumed_from=first)

    def _open_folder(self, scaler: torch.amp.GradScaler) -> dict[str, Any]:
        """Begin the run there, or restore its newest checkpoint; the facts of this start."""
        self.folder.require_same_recipe(self.recipe)
        checkpoint = self.folder.checkpoint(self.recipe)
        facts = run_facts(
            self.images["training"],
            self.learner.preprocessing,
            self.accelerator.num_processes,
            teacher_digest=self.learner.teacher_digest,
            start_digest=self.learner.start_digest,
        )
        # Before one of them begins the run, which a late one would take for another's.
        require_agreement(
            self.accelerator,
            self.folder.path,
            0 if checkpoint is None else checkpoint.epoch,
            facts["train_digest"],
            self.learner.teacher_digest or "0",
        )
        stored = self.folder.recipe()
        if stored is not None:
            self.folder.require_same_inputs(facts)
            if self.accelerator.is_main_process and stored != self.recipe:
                self.folder.move_to(self.recipe)
        elif self.accelerator.is_main_process:
            self.folder.create(self.recipe, facts, self.image_names)
        if checkpoint is not None:
            checkpoint.restore(self.learner.model, self.learner.optimizer)
            if checkpoint.scaler:
                scaler.load_state_dict(checkpoint.scaler)
            self.history = list(checkpoint.history)
        return facts

    def _save(
        self,
        entry: dict[str, float],
        optimizer: torch.optim.Optimizer,
        scaler: torch.amp.GradScaler,
    ) -> None:
        self.history.append(entry)
        if self.accelerator.is_main_process:
            # Metrics first: after a kill in between, the epoch is done again and so is its line.
            self.folder.write_metrics(self.history)
            state = Checkpoint(
                epoch=len(self.history),
                model=self.learner.model.state_dict(),
                optimizer=optimizer.state_dict(),
                history=self.history,
                recipe_digest=recipe_digest(self.recipe),
                scaler=scaler.state_dict(),
            )
            best = kept_epoch(self.history) == state.epoch
            if self.recipe.early_stopping is not None and best:
                # First, so that whatever the newest checkpoint calls the best is there.
                write_checkpoint(self.folder.best, state.of_model_alone())
            write_checkpoint(self.folder.checkpoints, state)
        self.accelerator.wait_for_everyone()

    def _kept(self) -> str:
        """Which epoch is the run's, and why none followed."""
        best, done = kept_epoch(self.history), len(self.history)
        stopped = f", stopped after {done} of {self.recipe.epochs}"
        return (
            f"epoch {best} is kept, of the least validation loss"
            f"{stopped if done < self.recipe.epochs else f', of {done}'}; top-1 on the test images "
            f"{self.history[best - 1]['top1']:.2%}"
        )

    def _say_what_changed(self, shown: TrainingProgress, facts: dict[str, Any]) -> None:
        shown.say(
            f"{self.folder.path}: going on after epoch {len(self.history)} of {self.recipe.epochs}"
        )
        stored = self.folder.facts()
        for line in differences(stored.get("imports", ())):
            shown.say(f"{self.folder.path}: {line}")
        for kind in ("processes", "threads"):
            if (before := stored.get(kind, facts[kind])) != facts[kind]:
                shown.say(
                    f"{before} {kind} before and {facts[kind]} now, so sums are rounded "
                    "otherwise: the numbers will differ from an unbroken run's"
                )
