"""A frozen network whose answers another one learns, and the loss that does so."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from signbit.data.pixels.preprocessing import Preprocessing
from signbit.errors import CheckpointError, RecipeError
from signbit.training.networks import build_network, classes_of, make_method
from signbit.training.recipe.sections import MethodRecipe, Teacher
from signbit.training.runs.folder import load_run
from signbit.training.runs.initial_weights import read_state
from signbit.training.runs.state_dicts import load_state, state_digest
from signbit.words import counted

__all__ = ["FrozenTeacher", "SupervisedLoss", "open_teacher", "own_teacher", "require_size"]


class FrozenTeacher(nn.Module):
    """Answers to the student's images: always in eval mode, never with a gradient.

    The images are normalised as the student wants them, (x − mean) / std; `student` and `own` are
    (mean, std) of the two.
    """

    gain: Tensor
    shift: Tensor

    def __init__(
        self,
        network: nn.Module,
        student: tuple[tuple[float, ...], tuple[float, ...]],
        own: tuple[tuple[float, ...], tuple[float, ...]],
    ) -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(False)
        self.same = student == own
        (mean, std), (own_mean, own_std) = (
            (torch.tensor(values).view(1, -1, 1, 1) for values in pair) for pair in (student, own)
        )
        # x = pixel · std + mean, and (x − own_mean) / own_std in one step.
        self.register_buffer("gain", std / own_std)
        self.register_buffer("shift", (mean - own_mean) / own_std)

    def train(self, mode: bool = True) -> FrozenTeacher:
        """Stays in eval mode."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, pixels: Tensor) -> Tensor:
        """(N, C, H, W), as the student sees them → logits (N, classes)."""
        logits: Tensor = self.network(
            pixels if self.same else torch.addcmul(self.shift, pixels, self.gain)
        )
        return logits

    @property
    def digest(self) -> str:
        """What the run folder remembers of it: SHA-256 of weights and normalisation."""
        return state_digest(self.state_dict())


@dataclass(frozen=True)
class SupervisedLoss:
    """What a step minimises, from logits (N, classes) and labels (N,), as a sum over images.

    `teacher_share` of it is the cross-entropy against the teacher's softened answers, times T²,
    which keeps its gradients as large as those of the rest: Hinton, Vinyals, Dean 2015, section 2.
    """

    label_smoothing: float = 0.0
    teacher_share: float = 0.0
    temperature: float = 1.0

    def __call__(self, logits: Tensor, labels: Tensor, answers: Tensor | None) -> Tensor:
        """`answers` are the teacher's logits; None where `teacher_share` is 0."""
        logits = _at_least_float32(logits)
        loss = logits.new_zeros(())
        if self.teacher_share < 1:
            hard = F.cross_entropy(
                logits, labels, reduction="sum", label_smoothing=self.label_smoothing
            )
            loss = hard if self.teacher_share == 0 else (1 - self.teacher_share) * hard
        if self.teacher_share > 0:
            assert answers is not None
            wanted = (_at_least_float32(answers) / self.temperature).softmax(1)
            soft = -(wanted * (logits / self.temperature).log_softmax(1)).sum()
            loss = loss + self.teacher_share * self.temperature**2 * soft
        return loss


_own: ContextVar[nn.Module | None] = ContextVar("own teacher", default=None)


@contextmanager
def own_teacher(network: nn.Module) -> Iterator[None]:
    """Meanwhile a section without a checkpoint means this network, in this thread.

    It sees the student's images, as the student does.
    """
    token = _own.set(network)
    try:
        yield
    finally:
        _own.reset(token)


def open_teacher(
    section: Teacher, class_names: tuple[str, ...], preprocessing: Preprocessing
) -> FrozenTeacher:
    """The recipe's teacher, for a student of `class_names` and `preprocessing`.

    Raises RecipeError where the section lacks a key or has one that does nothing, CheckpointError
    where the teacher cannot be read, does not fit its network, or has other classes or another
    input size than the student.
    """
    if section.checkpoint is None and (ours := _own.get()) is not None:
        same = (preprocessing.mean, preprocessing.std)
        return FrozenTeacher(copy.deepcopy(ours), same, same)
    if section.checkpoint is None:
        raise RecipeError(
            "teacher.checkpoint is missing: name the run folder, or the .safetensors file, of "
            f"{'a trained network' if section.network is None else section.network}"
        )
    path = Path(section.checkpoint)
    if path.is_dir():
        network, own = _of_run(section, path, class_names, preprocessing)
    else:
        network, own = _of_file(section, path, class_names, preprocessing)
    return FrozenTeacher(network, (preprocessing.mean, preprocessing.std), own)


_Pair = tuple[tuple[float, ...], tuple[float, ...]]


def _of_run(
    section: Teacher, path: Path, class_names: tuple[str, ...], preprocessing: Preprocessing
) -> tuple[nn.Module, _Pair]:
    for key in ("method", "mean"):
        if getattr(section, key) is not None:
            raise RecipeError(
                f"teacher.{key} does nothing: the run folder {path} knows its own; leave it out"
            )
    read_state(path)  # a run, and a finished one
    run = load_run(path)
    if section.network is not None and run.recipe.network != section.network:
        raise CheckpointError(
            f"teacher {path} is a {run.recipe.network}, but teacher.network={section.network}"
        )
    if run.class_names != class_names:
        raise CheckpointError(
            f"teacher {path} has other classes than the data: {_listed(run.class_names)} instead "
            f"of {_listed(class_names)}"
        )
    require_size(path, run.input_size, preprocessing)
    return run.model, run.normalization


def _of_file(
    section: Teacher, path: Path, class_names: tuple[str, ...], preprocessing: Preprocessing
) -> tuple[nn.Module, _Pair]:
    if section.network is None:
        raise RecipeError(
            f"teacher.network is missing: {path} does not say which network its weights are of"
        )
    channels = preprocessing.input_size[2]
    method = make_method(section.method or MethodRecipe(name="real"))
    state = read_state(path)
    classes = classes_of(state, section.network, method, channels=channels)
    if classes is not None and classes != len(class_names):
        raise CheckpointError(
            f"teacher {path} has {counted(classes, 'class', 'classes')}, the data "
            f"has {len(class_names)}"
        )
    network = build_network(section.network, method, classes=len(class_names), channels=channels)
    load_state(network, state, f"teacher {path}")
    height, width = cast("tuple[int, int]", network.input_size)
    require_size(path, (height, width, channels), preprocessing)
    if section.mean is None or section.std is None:
        return network, (preprocessing.mean, preprocessing.std)
    return network, (section.mean, section.std)


def require_size(path: Path, size: tuple[int, ...], preprocessing: Preprocessing) -> None:
    """Raise CheckpointError unless the teacher's images, (H, W, C), have the student's size."""
    if size != preprocessing.input_size:
        theirs, ours = ("×".join(map(str, each)) for each in (size, preprocessing.input_size))
        raise CheckpointError(f"teacher {path} sees images of {theirs}, the student of {ours}")


def _listed(names: tuple[str, ...]) -> str:
    return f"{len(names)} ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})"


def _at_least_float32(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))
