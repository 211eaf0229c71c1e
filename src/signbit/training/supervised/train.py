"""Supervised training: a recipe and labelled images in, a run folder out."""

from __future__ import annotations

from pathlib import Path

from signbit.data.loading.dataset import ImageDataset
from signbit.errors import RecipeError
from signbit.training.images import preprocessing_of
from signbit.training.networks import build_network, make_method
from signbit.training.optimizer import make_optimizer
from signbit.training.recipe import Recipe
from signbit.training.recipe.recipe import require_recipe
from signbit.training.runs.folder import RunFolder
from signbit.training.runs.result import RunResult
from signbit.training.session import Learner
from signbit.training.stages import begin_with, run_stages
from signbit.training.supervised.supervised_task import Supervised
from signbit.training.supervised.teacher import open_teacher

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
    model = build_network(
        recipe.network, method, classes=len(training.class_names), channels=len(recipe.data.mean)
    )
    preprocessing = preprocessing_of(recipe, model)
    teacher = None
    if recipe.teacher is not None:
        teacher = open_teacher(recipe.teacher, training.class_names, preprocessing)
    return Learner(
        model=model,
        start_digest=begin_with(recipe, folder, model),
        optimizer=make_optimizer(recipe.optimizer, model),
        preprocessing=preprocessing,
        teacher_digest=None if teacher is None else teacher.digest,
        task=lambda materials: Supervised(recipe, method, model, teacher, preprocessing, materials),
    )
