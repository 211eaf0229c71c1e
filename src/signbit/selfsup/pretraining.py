"""Training without labels: a recipe with a section `selfsup` and images in, a run folder out."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.seeds import derive_seed
from signbit.data.pixels.preprocessing import Preprocessing
from signbit.errors import RecipeError
from signbit.selfsup.backbone import build_backbone
from signbit.selfsup.head import Embedder, ProjectionHead
from signbit.selfsup.objectives.contrastive import Contrastive
from signbit.selfsup.objectives.contrastive_and_guided import ContrastiveAndGuided
from signbit.selfsup.objectives.guided import Guided
from signbit.selfsup.objectives.objective import Objective
from signbit.selfsup.selfsup_task import SelfSupervised
from signbit.selfsup.teachers.own import own_teacher, require_place
from signbit.selfsup.teachers.stored import open_teacher
from signbit.training.images import preprocessing_of
from signbit.training.networks import make_method
from signbit.training.optimizer import make_optimizer
from signbit.training.recipe import Recipe
from signbit.training.recipe.recipe import require_recipe
from signbit.training.recipe.selfsup import GuidedSection, SelfSup
from signbit.training.runs.folder import RunFolder
from signbit.training.runs.result import RunResult
from signbit.training.session import Learner
from signbit.training.stages import begin_with, run_stages
from signbit.training.supervised.teacher import FrozenTeacher

__all__ = ["pretrain"]

# How many training images the nearest-neighbour measure knows.
_BANK = 5000


def pretrain(
    recipe: Recipe,
    data: str | Path | None,
    out: str | Path,
    *,
    teacher: nn.Module | None = None,
    progress: bool = True,
) -> RunResult:
    """Train `recipe`, which has a section `selfsup`, on images whose labels are not learned.

    Everything else is as in `signbit.training.train`: stages, starting again, what is raised. A
    checkpoint holds the objective's state, with the momentum encoder and the queue where it has
    them. A later stage begins with all of these from the stage before, as S2-BNN's second step
    does. So does a run with a `start` that has them. Images need no labels (see
    `signbit.data.open_dataset`); without, nearest neighbours are not measured.

    teacher: any module that maps the student's normalised images (N, channels, H, W) to
    (N, selfsup.head.out), where the recipe's selfsup.guided names no stored one. It is put into
    eval mode, its parameters lose their gradients, and it moves to where training is. The run
    remembers its state's digest alone: whoever goes on with the run gives the same module again.
    Raises InputError where it does not take these images or gives another width.
    """
    require_recipe(recipe)
    if recipe.selfsup is None:
        raise RecipeError(
            "this recipe has no section selfsup, so it learns from labels: use signbit train "
            "(signbit.training.train)"
        )
    if teacher is not None:
        require_place(recipe.selfsup.guided, teacher)
    return run_stages(recipe, data, out, partial(_prepare, own=teacher), progress=progress)


def _prepare(
    recipe: Recipe, folder: RunFolder, training: ImageDataset, *, own: nn.Module | None
) -> Learner:
    section = recipe.selfsup
    assert section is not None
    method = make_method(recipe.method)
    backbone = build_backbone(recipe.network, method, len(recipe.data.mean))
    embedder = Embedder(
        backbone, ProjectionHead(backbone.width, section.head.hidden, section.head.out)
    )
    preprocessing = preprocessing_of(recipe, backbone)
    teacher = None if section.guided is None else _teacher(section.guided, preprocessing, own)
    start_digest = begin_with(recipe, folder, embedder, inside="embedder.")
    objective = _objective(section, embedder, teacher)
    if isinstance(objective, Contrastive):
        # Guidance alone has left neither: then the encoder follows from here on, the queue is new.
        for name in ("key_encoder", "queue"):
            part = objective.get_submodule(name)
            begin_with(recipe, folder, part, inside=f"{name}.", required=False)
    # The queue is the same in all processes as it is: no need to send it around every step.
    DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(  # type: ignore[no-untyped-call]
        objective, [name for name, _ in objective.named_buffers() if name.startswith("queue.")]
    )
    bank = None
    if len(training.class_names) > 1:
        bank = preprocessing.fit(_bank(recipe, training), workers=recipe.data.workers)
    return Learner(
        model=objective,
        optimizer=make_optimizer(recipe.optimizer, embedder),
        preprocessing=preprocessing,
        teacher_digest=None if teacher is None else teacher.digest,
        start_digest=start_digest,
        task=lambda materials: SelfSupervised(
            recipe, method, objective, teacher, preprocessing, bank, materials
        ),
    )


def _objective(section: SelfSup, embedder: Embedder, teacher: FrozenTeacher | None) -> Objective:
    compared, guided = section.contrastive, section.guided
    if compared is None:
        assert guided is not None
        assert teacher is not None
        return Guided(embedder, teacher, temperature=guided.temperature)
    if guided is None:
        return Contrastive(embedder, **compared.model_dump())
    assert teacher is not None
    return ContrastiveAndGuided(
        embedder, teacher, **compared.model_dump(), guided_temperature=guided.temperature
    )


def _teacher(
    section: GuidedSection, preprocessing: Preprocessing, own: nn.Module | None
) -> FrozenTeacher:
    if own is not None:
        return own_teacher(own, preprocessing)
    if section.teacher is None:
        raise RecipeError(
            "selfsup.guided.teacher is missing: name the folder of a finished run of signbit "
            "pretrain, or the .safetensors file of a MoCo v2 checkpoint, of "
            f"{section.network or 'a real network'}; in Python, teacher= takes a module as well"
        )
    return open_teacher(section.teacher, preprocessing, network=section.network)


def _bank(recipe: Recipe, training: ImageDataset) -> ImageDataset:
    """Some of the training images, drawn by the seed, as sources are sorted by class."""
    seed = derive_seed(recipe.seed, "nearest neighbours")
    order = torch.randperm(len(training), generator=torch.Generator().manual_seed(seed))
    return training.take(np.sort(order[:_BANK].numpy()))
