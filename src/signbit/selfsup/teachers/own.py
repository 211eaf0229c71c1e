"""A user's own module as the teacher of a pre-training, in the place of a stored one."""

from __future__ import annotations

import torch
from torch import nn

from signbit.data.pixels.preprocessing import Preprocessing
from signbit.errors import InputError, RecipeError
from signbit.training.recipe.selfsup import GuidedSection
from signbit.training.supervised.teacher import FrozenTeacher

__all__ = ["own_teacher", "require_place"]


def require_place(section: GuidedSection | None, module: nn.Module) -> None:
    """Check that `module` can teach by a recipe's selfsup.guided.

    Raises InputError where it is no module; RecipeError where the recipe has no such section, or
    one that names a stored teacher.
    """
    if not isinstance(module, nn.Module):
        raise InputError(
            f"teacher must be a torch.nn.Module, got {type(module).__name__}; the path of a stored "
            "one goes into the recipe's selfsup.guided.teacher"
        )
    if section is None:
        raise RecipeError(
            "a teacher is given, but the recipe has no section selfsup.guided, so nothing would "
            "learn from it; add selfsup.guided.temperature=0.2"
        )
    if section.teacher is not None:
        raise RecipeError(
            f"two teachers are given: a module, and selfsup.guided.teacher={section.teacher}; "
            "keep one"
        )
    if section.network is not None:
        raise RecipeError(
            f"selfsup.guided.network={section.network} does nothing: it says what a stored teacher "
            "has to be, and a module is given; leave it out (selfsup.guided.network=null)"
        )


def own_teacher(module: nn.Module, preprocessing: Preprocessing) -> FrozenTeacher:
    """`module`, frozen, for a student whose images are made by `preprocessing`.

    It sees them as the student does; what `signbit.selfsup.open_teacher` gave converts them.
    Raises InputError where it fails on one of them. Its answer's width is for the objective to see.
    """
    student = (preprocessing.mean, preprocessing.std)
    teacher = (
        module if isinstance(module, FrozenTeacher) else FrozenTeacher(module, student, student)
    )
    height, width, channels = preprocessing.input_size
    device = next((each.device for each in teacher.network.parameters()), torch.device("cpu"))
    image = torch.zeros((1, channels, height, width), device=device)
    try:
        teacher(image)
    except Exception as error:  # a module of anyone's, which raises what it likes
        raise InputError(
            f"the teacher must take the student's images, float32 (N, {channels}, {height}, "
            f"{width}), and fails on one: {error}"
        ) from error
    return teacher
