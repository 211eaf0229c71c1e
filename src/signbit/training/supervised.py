"""Supervised training: a recipe and labelled images in, a run folder out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.utils import broadcast
from torch import nn

from signbit import methods, models
from signbit.data.augment import Augmentation
from signbit.data.dataset import ImageDataset
from signbit.data.inputs import Inputs
from signbit.data.loader import Loader
from signbit.data.prefetch import prefetched, timed
from signbit.data.preprocessing import Preprocessing
from signbit.data.seeds import derive_seed
from signbit.data.sources import open_dataset
from signbit.data.transforms import Normalization
from signbit.errors import DataError
from signbit.methods import Method
from signbit.ops import native_ops, use_native_ops
from signbit.training.checkpoint import Checkpoint, write_checkpoint
from signbit.training.evaluate import count_correct
from signbit.training.lock import locked
from signbit.training.loop import Plan, Step, run_epochs
from signbit.training.optimizer import make_optimizer
from signbit.training.processes import join, lost_process_named, require_agreement, require_images
from signbit.training.progress import TrainingProgress
from signbit.training.recipe import Recipe
from signbit.training.result import RunResult
from signbit.training.run import RunFolder, recipe_digest, run_facts
from signbit.training.scalars import Scalars
from signbit.training.sync_batch_norm import synchronize_batch_norm

__all__ = ["train"]


def train(
    recipe: Recipe, data: str | Path | None, out: str | Path, *, progress: bool = True
) -> RunResult:
    """Train `recipe` on `data` (None: the recipe's own source) into the run folder `out`.

    A folder that holds an unfinished run of the same recipe is gone on with from its last
    checkpoint and reaches the same numbers (on one machine with one number of processes and
    threads). Progress goes to stderr. Raises DataError, RecipeError, CheckpointError where `out`
    holds another run, cannot be written or is trained into already, or LostProcessError where
    another process of this training ends.
    """
    if data is not None:
        source = recipe.data.model_copy(update={"source": str(data)})
        recipe = recipe.model_copy(update={"data": source})
    folder = RunFolder(out)
    folder.require_same_recipe(recipe)
    checkpoint = folder.checkpoint(recipe)
    if checkpoint is not None and checkpoint.epoch == recipe.epochs:
        with TrainingProgress(recipe.epochs, 0, 0, show=progress) as shown:
            shown.say(f"{folder.path}: all {recipe.epochs} epochs are done, nothing to train")
        return RunResult.of(folder.path, checkpoint.history, resumed_from=recipe.epochs)
    with lost_process_named(folder.path):
        # Saving is our own; Accelerate places tensors and joins processes.
        return _start(recipe, folder, join(), progress=progress)


def _start(
    recipe: Recipe, folder: RunFolder, accelerator: Accelerator, progress: bool
) -> RunResult:
    """`train` once the processes have joined."""
    method = methods.get(recipe.method.name, **recipe.method.params)
    with accelerator.main_process_first():
        training, test = _open(recipe)
    require_images(accelerator, len(training), recipe.batch_size)
    torch.manual_seed(derive_seed(recipe.seed, "initial weights"))
    model = models.build(
        recipe.network, method, classes=len(training.class_names), channels=len(recipe.data.mean)
    )
    if recipe.sync_batch_norm and accelerator.num_processes > 1:
        synchronize_batch_norm(model)
    preprocessing = _preprocessing(recipe, model)
    show = progress and accelerator.is_main_process
    said = TrainingProgress(recipe.epochs, 0, 0, show=show).say
    training, test = (
        preprocessing.fit(part, workers=recipe.data.workers, say=said) for part in (training, test)
    )
    optimizer = make_optimizer(recipe.optimizer, model)
    with (
        locked(folder.path) if accelerator.is_main_process else nullcontext(),
        use_native_ops(native_ops(), getattr(torch, recipe.gradients)),
    ):
        accelerator.wait_for_everyone()
        return _train(
            recipe,
            folder,
            model,
            method,
            optimizer,
            preprocessing,
            training,
            test,
            accelerator,
            progress=progress,
        )


def _train(
    recipe: Recipe,
    folder: RunFolder,
    model: nn.Module,
    method: Method,
    optimizer: torch.optim.Optimizer,
    preprocessing: Preprocessing,
    training: ImageDataset,
    test: ImageDataset,
    accelerator: Accelerator,
    progress: bool,
) -> RunResult:
    """`train` once the main process holds the folder: it is read anew, now nobody changes it."""
    folder.require_same_recipe(recipe)
    checkpoint = folder.checkpoint(recipe)
    facts = run_facts(training, preprocessing, accelerator.num_processes)
    history: list[dict[str, float]] = []
    if folder.recipe() is not None:
        folder.require_same_data(facts)
    elif accelerator.is_main_process:
        folder.create(recipe, facts)
    if checkpoint is not None:
        checkpoint.restore(model, optimizer)
        history = list(checkpoint.history)
    require_agreement(accelerator, folder.path, len(history), facts["train_digest"])
    wrapped, optimizer = accelerator.prepare(model, optimizer)
    task = _Supervised(wrapped, model, method, recipe, preprocessing, training, test, accelerator)
    first = len(history)
    digest = recipe_digest(recipe)

    def finish(epoch: int, entry: dict[str, float]) -> None:
        history.append(entry)
        if accelerator.is_main_process:
            # Metrics first: after a kill in between, the epoch is done again and so is its line.
            folder.write_metrics(history)
            state = Checkpoint(
                epoch + 1, model.state_dict(), optimizer.state_dict(), history, digest
            )
            write_checkpoint(folder.checkpoints, state)
        accelerator.wait_for_everyone()

    scalars = None
    if accelerator.is_main_process:
        # Points that a killed run wrote after its last checkpoint are hidden.
        scalars = Scalars(folder.tensorboard, purge_from=first * task.steps + 1)
    show = progress and accelerator.is_main_process
    plan = Plan(recipe.epochs, recipe.schedule, recipe.optimizer.lr, recipe.seed)
    with TrainingProgress(recipe.epochs, task.steps, first, show=show) as shown:
        if first:
            shown.say(f"{folder.path}: going on after epoch {first} of {recipe.epochs}")
            stored = folder.facts()
            for kind in ("processes", "threads"):
                if (before := stored.get(kind, facts[kind])) != facts[kind]:
                    shown.say(
                        f"{before} {kind} before and {facts[kind]} now, so sums are rounded "
                        "otherwise: the numbers will differ from an unbroken run's"
                    )
        try:
            run_epochs(
                task,
                plan,
                optimizer,
                accelerator,
                first=first,
                progress=shown,
                scalars=scalars,
                finish=finish,
            )
        except KeyboardInterrupt:
            shown.say(
                f"{folder.path}: stopped after {len(history)} of {recipe.epochs} epochs; "
                "the same command goes on from there"
            )
            raise
        finally:
            if scalars is not None:
                scalars.close()
    return RunResult.of(folder.path, history, resumed_from=first)


class _Supervised:
    """The loop's task: cross-entropy on augmented images."""

    def __init__(
        self,
        wrapped: nn.Module,
        model: nn.Module,
        method: Method,
        recipe: Recipe,
        preprocessing: Preprocessing,
        training: ImageDataset,
        test: ImageDataset,
        accelerator: Accelerator,
    ) -> None:
        self._wrapped = wrapped
        self._model = model
        self._method = method
        self._epochs = recipe.epochs
        self._test = test
        self._accelerator = accelerator
        loader = Loader(
            training,
            recipe.batch_size,
            recipe.seed,
            rank=accelerator.process_index,
            world=accelerator.num_processes,
        )
        augmentation = Augmentation(**recipe.data.augment.model_dump())
        self.steps = loader.steps
        self._inputs = Inputs(loader, augmentation, preprocessing, accelerator.device)
        self._normalize = Normalization(preprocessing.mean, preprocessing.std)

    def start_epoch(self, epoch: int) -> None:
        self._model.train()
        self._method.on_epoch(self._model, epoch, self._epochs)

    def forward(self, epoch: int) -> Iterator[Step]:
        # Closed here, so that the preparing thread ends with the epoch, however that ends.
        with closing(prefetched(self._inputs.epoch(epoch))) as batches:
            for batch, waited in timed(batches):
                logits = self._wrapped(batch.pixels)
                loss = F.cross_entropy(logits, batch.labels, reduction="sum")
                # Accelerate averages gradients over processes, whose parts may differ by an image.
                share = self._accelerator.num_processes / batch.total
                yield Step(loss * share, len(batch.labels), waited)

    def after_step(self) -> None:
        self._method.after_step(self._model)

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        # Each process has normalised its own images: all evaluate the statistics that are saved.
        for buffer in self._model.buffers():
            buffer.copy_(broadcast(buffer))
        measured = count_correct(self._model, self._test, self._normalize, self._accelerator)
        return {"top1": measured.top1, "test_loss": measured.loss}


def _open(recipe: Recipe) -> tuple[ImageDataset, ImageDataset]:
    training = open_dataset(recipe.data.source, "train")
    test = open_dataset(recipe.data.source, "test")
    if training.class_names != test.class_names:
        raise DataError(f"{recipe.data.source}: its train and test splits have different classes")
    if len(training.class_names) < 2:
        raise DataError(
            f"{recipe.data.source}: only one class ({training.class_names[0]}); use two or more"
        )
    if recipe.train_images is not None:
        if recipe.train_images > len(training):
            raise DataError(
                f"{recipe.data.source}: train_images={recipe.train_images}, but the train split "
                f"has {len(training)} images"
            )
        seed = derive_seed(recipe.seed, "train images")
        order = torch.randperm(len(training), generator=torch.Generator().manual_seed(seed))
        training = training.take(np.asarray(order[: recipe.train_images]))
    return training, test


def _preprocessing(recipe: Recipe, model: nn.Module) -> Preprocessing:
    height, width = cast("tuple[int, int]", model.input_size)
    return Preprocessing(
        input_size=(height, width, len(recipe.data.mean)),
        mean=recipe.data.mean,
        std=recipe.data.std,
        resize_shorter_side=recipe.data.resize_shorter_side or max(height, width),
        interpolation=recipe.data.interpolation,
    )
