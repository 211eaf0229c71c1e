"""Supervised training: a recipe and labelled images in, a run folder out."""

from __future__ import annotations

from collections.abc import Mapping
from os.path import exists
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from signbit import methods
from signbit.binarizing import Binarized
from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.say import Say
from signbit.errors import RecipeError
from signbit.hub import is_hub
from signbit.methods import Method
from signbit.training.images import preprocessing_of
from signbit.training.networks import (
    build_network,
    classes_of,
    classifier_names,
    is_of,
    make_method,
    network_of,
)
from signbit.training.optimizer import make_optimizer
from signbit.training.recipe import Recipe
from signbit.training.recipe.recipe import require_recipe
from signbit.training.runs.folder import RunFolder
from signbit.training.runs.initial_weights import read_state
from signbit.training.runs.result import RunResult
from signbit.training.runs.state_dicts import state_digest
from signbit.training.session import Learner
from signbit.training.stages import begin_with, run_stages
from signbit.training.supervised.supervised_task import Supervised
from signbit.training.supervised.teacher import open_teacher
from signbit.words import counted

__all__ = ["train"]


def train(
    recipe: Recipe, data: str | Path | None, out: str | Path, *, progress: bool = True
) -> RunResult:
    """Train `recipe` on `data` (None: the recipe's own source) into the run folder `out`.

    The stages before the last one are runs of their own, in `out`/stage-1 and so on. An unfinished
    run of the same recipe in `out` goes on from its last checkpoint and reaches the same numbers
    (on one machine with one number of processes and threads). Progress goes to stderr.

    Raises DataError; RecipeError; CheckpointError where `out` holds another run or other files
    (`require_place`), cannot be written or is trained into already, or where a start or a teacher
    does not fit; and LostProcessError where another process of this training ends.
    """
    require_recipe(recipe)
    if recipe.selfsup is not None:
        raise RecipeError(
            "this recipe has a section selfsup, so it learns without labels: use signbit pretrain "
            "(signbit.selfsup.pretrain)"
        )
    return run_stages(recipe, data, out, _prepare, progress=progress)


def _prepare(recipe: Recipe, folder: RunFolder, training: ImageDataset) -> Learner:
    method = make_method(recipe.method)
    notes: list[str] = []
    model, start_digest = _begun(recipe, folder, method, len(training.class_names), notes.append)
    preprocessing = preprocessing_of(recipe, model)
    teacher = None
    if recipe.teacher is not None:
        teacher = open_teacher(recipe.teacher, training.class_names, preprocessing)
    if isinstance(model, Binarized):
        notes += str(model.report).splitlines()
    return Learner(
        model=model,
        start_digest=start_digest,
        optimizer=make_optimizer(recipe.optimizer, model),
        preprocessing=preprocessing,
        teacher_digest=None if teacher is None else teacher.digest,
        task=lambda materials: Supervised(recipe, method, model, teacher, preprocessing, materials),
        notes=tuple(notes) if folder.checkpoint(recipe) is None else (),
    )


def _begun(
    recipe: Recipe, folder: RunFolder, method: Method, classes: int, say: Say
) -> tuple[nn.Module, str | None]:
    """The network with the weights that the run begins with, and their digest, if they are given.

    One that is made binary may begin with the weights of the real one. Where they are of another
    number of classes, the classifier begins anew, as `say` hears.
    """
    channels = len(recipe.data.mean)
    if recipe.graph is not None and recipe.graph.classes != classes:
        raise RecipeError(
            f"{recipe.data.source} has {counted(classes, 'class', 'classes')}, the imported "
            f"network tells {recipe.graph.classes} apart; train on images of its own classes"
        )
    weights: Mapping[str, Tensor] | None = None
    kind: dict[str, Any] = {"classes": classes, "channels": channels}
    own = method if recipe.binarize is None else methods.get("real")
    digest = None
    start = recipe.start
    if recipe.binarize is not None and start is not None and (is_hub(start) or exists(start)):
        state = read_state(start)
        stored = classes_of(state, recipe.network, own, channels=channels) or classes
        with torch.device("meta"):
            real = build_network(recipe.network, own, classes=stored, channels=channels)
        if is_of(real, state):
            digest, weights = state_digest(state), state
        if weights is not None and stored != classes:
            say(f"start {recipe.start}: has {stored} classes, so the classifier begins anew")
            anew = classifier_names(recipe.network, own, channels=channels)
            weights = {name: value for name, value in state.items() if name not in anew}
    first = recipe.start is None or weights is not None
    if recipe.binarize is not None and first and folder.checkpoint(recipe) is None:
        # On trial, with all that will be binary in the last stage.
        params = {key: each for key, each in recipe.method.params.items() if key != "binarize"}
        last = make_method(recipe.method.model_copy(update={"params": params}))
        network_of(recipe, last, **kind, check=True)
    model = network_of(recipe, method, **kind, weights=weights)
    if digest is not None or recipe.start is None:
        return model, digest
    classifier = () if recipe.graph else classifier_names(recipe.network, own, channels=channels)
    return model, begin_with(recipe, folder, model, classifier=classifier, say=say)
