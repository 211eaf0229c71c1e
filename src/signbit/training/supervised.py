"""Supervised training: a recipe and labelled images in, a run folder out."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import nn

from signbit.data.seeds import derive_seed
from signbit.ops import native_ops, use_native_ops
from signbit.training.effects import require_effect
from signbit.training.images import fit_images, open_images, preprocessing_of
from signbit.training.lock import locked
from signbit.training.networks import build_network, make_method
from signbit.training.optimizer import make_optimizer
from signbit.training.processes import join, lost_process_named, require_images
from signbit.training.progress import TrainingProgress
from signbit.training.recipe import Recipe
from signbit.training.recipe_parsing import single_runs
from signbit.training.result import RunResult
from signbit.training.run import RunFolder
from signbit.training.session import Session
from signbit.training.start import read_state
from signbit.training.state import binarizer_names, load_state, state_digest
from signbit.training.sync_batch_norm import synchronize_batch_norm
from signbit.training.teacher import open_teacher

__all__ = ["train"]


def train(
    recipe: Recipe, data: str | Path | None, out: str | Path, *, progress: bool = True
) -> RunResult:
    """Train `recipe` on `data` (None: the recipe's own source) into the run folder `out`.

    The stages before the last one are runs of their own, in `out`/stage-1 and so on. A folder that
    holds an unfinished run of the same recipe is gone on with from its last checkpoint and reaches
    the same numbers (on one machine with one number of processes and threads). Progress goes to
    stderr. Raises DataError, RecipeError, CheckpointError where `out` holds another run, cannot be
    written or is trained into already, or where a start or a teacher does not fit, or
    LostProcessError where another process of this training ends.
    """
    if data is not None:
        source = recipe.data.model_copy(update={"source": str(data)})
        recipe = recipe.model_copy(update={"data": source})
    runs = single_runs(recipe)
    require_effect(runs)
    folders = [RunFolder(out).path / f"stage-{number}" for number in range(1, len(runs))]
    for later, before in enumerate(folders, 1):
        runs[later] = runs[later].model_copy(update={"start": str(before)})
    plan = list(zip(runs, [RunFolder(path) for path in (*folders, out)], strict=True))
    for run, folder in plan:
        folder.require_same_recipe(run)
    # The weights that a stage left are needed until the next one has a checkpoint.
    begun = [number for number, (run, folder) in enumerate(plan) if folder.checkpoint(run)]
    for number, (run, folder) in enumerate(plan):
        if number >= max(begun, default=0):
            title = f"stage {number + 1} of {len(plan)}" if len(plan) > 1 else ""
            result = _train_one(run, folder, title, progress=progress)
    return result


def _train_one(recipe: Recipe, folder: RunFolder, title: str, *, progress: bool) -> RunResult:
    checkpoint = folder.checkpoint(recipe)
    if checkpoint is not None and checkpoint.epoch == recipe.epochs:
        with TrainingProgress(recipe.epochs, 0, 0, show=progress) as shown:
            shown.say(f"{folder.path}: all {recipe.epochs} epochs are done, nothing to train")
        return RunResult.of(folder.path, checkpoint.history, resumed_from=recipe.epochs)
    with lost_process_named(folder.path):
        # Saving is our own; Accelerate places tensors and joins processes.
        return _start(recipe, folder, title, join(), progress=progress)


def _start(
    recipe: Recipe, folder: RunFolder, title: str, accelerator: Accelerator, progress: bool
) -> RunResult:
    """`_train_one` once the processes have joined."""
    method = make_method(recipe.method)
    with accelerator.main_process_first():
        training, test = open_images(recipe)
    require_images(accelerator, len(training), recipe.batch_size)
    torch.manual_seed(derive_seed(recipe.seed, "initial weights"))
    model = build_network(
        recipe.network, method, classes=len(training.class_names), channels=len(recipe.data.mean)
    )
    preprocessing = preprocessing_of(recipe, model)
    teacher = None
    if recipe.teacher is not None:
        teacher = open_teacher(recipe.teacher, training.class_names, preprocessing)
    start_digest = _begin_with(recipe, folder, model)
    if recipe.sync_batch_norm and accelerator.num_processes > 1:
        synchronize_batch_norm(model)
    show = progress and accelerator.is_main_process
    said = TrainingProgress(recipe.epochs, 0, 0, show=show).say
    if title:
        said(f"{folder.path}: {title}")
    training, test = fit_images(recipe, preprocessing, training, test, said)
    session = Session(
        recipe=recipe,
        folder=folder,
        accelerator=accelerator,
        method=method,
        model=model,
        optimizer=make_optimizer(recipe.optimizer, model),
        teacher=teacher,
        start_digest=start_digest,
        preprocessing=preprocessing,
        training=training,
        test=test,
        progress=progress,
    )
    with (
        locked(folder.path) if accelerator.is_main_process else nullcontext(),
        use_native_ops(native_ops(), getattr(torch, recipe.gradients)),
    ):
        accelerator.wait_for_everyone()
        return session.train()


def _begin_with(recipe: Recipe, folder: RunFolder, model: nn.Module) -> str | None:
    """Copy the weights of `recipe.start` into `model`; their digest, or None where it has none.

    A run with a checkpoint no longer needs them: they may then be gone.
    """
    if recipe.start is None:
        return None
    if folder.checkpoint(recipe) is not None and not Path(recipe.start).exists():
        digest = folder.facts().get("start_digest")
        return None if digest is None else str(digest)
    state = read_state(recipe.start)
    load_state(model, state, f"start {recipe.start}", optional=binarizer_names(model))
    return state_digest(state)
