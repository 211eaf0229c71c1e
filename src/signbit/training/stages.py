"""From a recipe to trained run folders, whatever kind of training: its stages, one after another.

What a kind of training learns, and how, its `Prepare` says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import nn

from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.say import Say
from signbit.data.loading.seeds import derive_seed
from signbit.data.sources.named import MEMORY
from signbit.errors import CheckpointError
from signbit.fast import native_ops, use_native_ops
from signbit.training.images import fit_images, open_images
from signbit.training.processes import join, lost_process_named, require_images
from signbit.training.progress import TrainingProgress
from signbit.training.recipe import Recipe
from signbit.training.recipe.idle_keys import require_effect
from signbit.training.recipe.parsing import single_runs
from signbit.training.recipe.places import with_absolute_places
from signbit.training.runs.best_epoch import is_finished
from signbit.training.runs.folder import RunFolder
from signbit.training.runs.initial_weights import read_state
from signbit.training.runs.lock import locked
from signbit.training.runs.log import RunLog
from signbit.training.runs.place import require_place
from signbit.training.runs.result import RunResult
from signbit.training.runs.state_dicts import binarizer_names, load_state, state_digest
from signbit.training.session import Learner, Session
from signbit.training.sync_batch_norm import synchronize_batch_norm
from signbit.training.validation import hold_out, image_names
from signbit.words import counted

__all__ = ["Prepare", "begin_with", "run_stages"]

Prepare = Callable[[Recipe, RunFolder, ImageDataset], Learner]
"""Builds what a recipe trains on these images; the run's folder may hold a checkpoint already.

torch's global generator is at the recipe's seed. It may raise RecipeError and CheckpointError.
"""


def run_stages(
    recipe: Recipe, data: str | Path | None, out: str | Path, prepare: Prepare, *, progress: bool
) -> RunResult:
    """Train `recipe` as `signbit.training.train` says, with what `prepare` builds."""
    if data is not None:
        source = recipe.data.model_copy(update={"source": str(data)})
        recipe = recipe.model_copy(update={"data": source})
    runs = [with_absolute_places(run) for run in single_runs(recipe)]
    require_effect(runs)
    require_place(RunFolder(out).path, runs[0].data.source)
    folders = [RunFolder(out).path / f"stage-{number}" for number in range(1, len(runs))]
    for later, before in enumerate(folders, 1):
        runs[later] = runs[later].model_copy(update={"start": str(before.absolute())})
    plan = list(zip(runs, [RunFolder(path) for path in (*folders, out)], strict=True))
    for run, folder in plan:
        folder.require_same_recipe(run)
    # The weights that a stage left are needed until the next one has a checkpoint.
    begun = [number for number, (run, folder) in enumerate(plan) if folder.checkpoint(run)]
    for run, folder in plan[: max(begun, default=0)]:
        if (stored := folder.recipe()) is not None and stored.epochs != run.epochs:
            raise CheckpointError(
                f"{folder.path}: the stage after it has begun, so its epochs stay {stored.epochs}"
            )
    for number, (run, folder) in enumerate(plan):
        if number >= max(begun, default=0):
            title = f"stage {number + 1} of {len(plan)}" if len(plan) > 1 else ""
            result = _train_one(run, folder, title, prepare, progress=progress)
    return result


def begin_with(
    recipe: Recipe,
    folder: RunFolder,
    model: nn.Module,
    *,
    inside: str = "",
    required: bool = True,
    classifier: Sequence[str] = (),
    say: Say = lambda text: None,
) -> str | None:
    """Copy the weights of `recipe.start` into `model`; their digest, or None where it has none.

    inside: what the names in a run folder begin with where they mean `model`; all others are left
    out. Where none begins so and they are not `required`, `model` is left as it is. A run with a
    checkpoint no longer needs the weights: they may then be gone. classifier: the names of what
    depends on the number of classes; where that is another, these stay as they are, as `say` hears.
    """
    if recipe.start is None:
        return None
    if folder.checkpoint(recipe) is not None and not Path(recipe.start).exists():
        digest = folder.facts().get("start_digest")
        return None if digest is None else str(digest)
    state = {
        name.removeprefix(inside): value
        for name, value in read_state(recipe.start).items()
        if name.startswith(inside)
    }
    if not state and not required:
        return None
    digest = state_digest(state)
    own, optional = model.state_dict(), binarizer_names(model)
    there = [name for name in classifier if name in own and name in state]
    if any(own[name].shape != state[name].shape for name in there):
        state = {name: value for name, value in state.items() if name not in there}
        optional += there
        say(f"start {recipe.start}: has other classes, so the classifier begins anew")
    what = f"start {recipe.start}" + (f", {inside.rstrip('.')}," if inside else "")
    try:
        load_state(model, state, what, optional=optional)
    except CheckpointError as error:
        raise CheckpointError(f"{error}{_what_start_is(recipe)}") from None
    return digest


def _what_start_is(recipe: Recipe) -> str:
    """The end of an error about a start of another kind: what to say for the recipe to fit it."""
    start = None if recipe.start is None else RunFolder(recipe.start).recipe()
    if start is None or start.graph is not None:
        return ""
    if start.selfsup is not None and recipe.selfsup is None:
        return f"; it learned without labels: use signbit finetune {recipe.start}"
    now, there = ((each.network, each.method.name) for each in (recipe, start))
    if now == there:
        return ""
    return f"; it is of network={there[0]} method.name={there[1]}, this run of {' and '.join(now)}"


def _train_one(
    recipe: Recipe, folder: RunFolder, title: str, prepare: Prepare, *, progress: bool
) -> RunResult:
    checkpoint = folder.checkpoint(recipe)
    stored = folder.recipe()
    if (
        checkpoint is not None
        and stored is not None
        and is_finished(recipe, checkpoint.history)
        and recipe.epochs == stored.epochs
        # Others are opened, and compared with the run's; so are a program's own.
        and recipe.data == stored.data
        and recipe.data.source != MEMORY
    ):
        with TrainingProgress(recipe.epochs, 0, 0, show=progress) as shown:
            done = counted(checkpoint.epoch, "epoch")
            shown.say(f"{folder.path}: {done} done, nothing to train")
        return RunResult.of(folder.path, checkpoint.history, resumed_from=checkpoint.epoch)
    with lost_process_named(folder.path):
        # Saving is our own; Accelerate places tensors and joins processes.
        return _start(recipe, folder, title, prepare, join(), progress=progress)


def _start(
    recipe: Recipe,
    folder: RunFolder,
    title: str,
    prepare: Prepare,
    accelerator: Accelerator,
    progress: bool,
) -> RunResult:
    """`_train_one` once the processes have joined."""
    show = progress and accelerator.is_main_process
    log = RunLog(folder.path) if accelerator.is_main_process else None
    said = TrainingProgress(recipe.epochs, 0, 0, show=show, log=log).say
    with accelerator.main_process_first():
        training, test = open_images(recipe, said)
        training, validation = hold_out(recipe, training, test, said)
    require_images(accelerator, len(training), recipe.batch_size)
    torch.manual_seed(derive_seed(recipe.seed, "initial weights"))
    learner = prepare(recipe, folder, training)
    if recipe.sync_batch_norm and accelerator.num_processes > 1:
        synchronize_batch_norm(learner.model)
    if title:
        said(f"{folder.path}: {title}")
    for line in learner.notes:
        said(line)
    parts = {"training": training, "test": test}
    if validation is not None and validation is not test:
        parts["validation"] = validation
    names = None if validation is None else image_names(recipe.data.source, parts)
    fitted = fit_images(recipe, learner.preprocessing, parts, said)
    session = Session(
        recipe=recipe,
        folder=folder,
        accelerator=accelerator,
        learner=learner,
        images=fitted,
        image_names=names,
        progress=progress,
        log=log,
    )
    with (
        locked(folder.path) if accelerator.is_main_process else nullcontext(),
        use_native_ops(native_ops(), getattr(torch, recipe.gradients)),
    ):
        accelerator.wait_for_everyone()
        return session.train()
