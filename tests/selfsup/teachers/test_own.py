"""A user's own module teaches a pre-training: what it sees, going on, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.selfsup.test_pretraining import recipe_of, until_interrupted
from tests.training.test_session import state
from torch import Tensor, nn

from signbit.bitformat.graph import Resize
from signbit.data.pixels.preprocessing import Preprocessing
from signbit.errors import CheckpointError, InputError, RecipeError
from signbit.selfsup.pretraining import pretrain
from signbit.selfsup.teachers.own import own_teacher
from signbit.selfsup.teachers.stored import open_teacher
from signbit.training.recipe import Recipe
from signbit.training.runs.folder import RunFolder
from signbit.training.runs.state_dicts import state_digest

DIGITS = Preprocessing((8, 8, 1), (0.5,), (0.5,), Resize(8))


class Teacher(nn.Module):
    """Two layers with dropout between them, and a note of what it was shown."""

    def __init__(self, seed: int = 7, out: int = 8) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.first, self.second = nn.Linear(64, 16), nn.Linear(16, out)
        self.dropout = nn.Dropout(0.5)
        self.seen: list[Tensor] = []

    def forward(self, pixels: Tensor) -> Tensor:
        assert not self.training
        assert not torch.is_grad_enabled()
        self.seen.append(pixels)
        answer: Tensor = self.second(self.dropout(self.first(pixels.flatten(1)).relu()))
        return answer


class OfOtherSizes(nn.Module):
    """Checks its input by an assertion, as vision transformers do."""

    def forward(self, pixels: Tensor) -> Tensor:
        torch._assert(pixels.shape[2] == 224, "images must be 224 pixels high")
        return pixels


def guided(*overrides: str) -> Recipe:
    """Guidance alone, by nobody yet."""
    section = "selfsup.guided={temperature: 0.2}"
    return recipe_of(section, "selfsup.contrastive=null", "epochs=2", *overrides)


def own(recipe: Recipe, path: Path, seed: int = 7) -> None:
    pretrain(recipe, None, path, teacher=Teacher(seed), progress=False)


def break_off(recipe: Recipe, path: Path) -> None:
    """After one epoch."""

    def with_teacher(*arguments: object, **rest: object) -> object:
        return pretrain(*arguments, teacher=Teacher(), **rest)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.training.supervised.test_train.train", with_teacher)
        until_interrupted(recipe, path, 1)


def test_it_sees_the_students_normalised_images_and_stays_as_it_is(tmp_path: Path) -> None:
    teacher = Teacher()
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    result = pretrain(guided(), None, tmp_path, teacher=teacher, progress=False)
    assert result.history[-1]["loss/guided"] < result.history[0]["loss/guided"]
    assert {"teacher/kl", "teacher/agreement"} <= {*result.history[0]}
    shapes = {tuple(pixels.shape[1:]) for pixels in teacher.seen}
    assert shapes == {(1, 8, 8)}
    # Pixels 0 … 1 become −1 … 1 by the recipe's mean and standard deviation.
    assert min(float(pixels.min()) for pixels in teacher.seen) == pytest.approx(-1, abs=1e-3)
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    assert all(torch.equal(teacher.state_dict()[name], before[name]) for name in before)
    stored = RunFolder(tmp_path).checkpoint(guided())
    assert stored is not None
    assert {name.partition(".")[0] for name in stored.model} == {"embedder"}
    digest = RunFolder(tmp_path).facts()["teacher_digest"]
    assert digest == own_teacher(Teacher(), DIGITS).digest != state_digest({})


@pytest.mark.slow
def test_it_teaches_what_the_same_network_does_as_a_stored_one(tmp_path: Path) -> None:
    stored = tmp_path / "teacher"
    pretrain(recipe_of("method.name=real", "epochs=1"), None, stored, progress=False)
    pretrain(guided(f"selfsup.guided.teacher={stored}"), None, tmp_path / "path", progress=False)
    opened = open_teacher(stored, DIGITS)
    for name, module in (("opened", opened), ("network", opened.network)):
        pretrain(guided(), None, tmp_path / name, teacher=module, progress=False)
        assert state(tmp_path / name) == state(tmp_path / "path")


@pytest.mark.slow
@pytest.mark.parametrize("both", [False, True])
def test_a_broken_run_goes_on_with_it_and_not_with_another(both: bool, tmp_path: Path) -> None:
    queue = "{queue: 50, momentum: 0.9, temperature: 0.2}"
    recipe = guided(f"selfsup.contrastive={queue}") if both else guided()
    own(recipe, tmp_path / "whole")
    break_off(recipe, tmp_path / "broken")
    with pytest.raises(CheckpointError, match=r"another teacher .* \(teacher_digest differs\)"):
        own(recipe, tmp_path / "broken", seed=8)
    with pytest.raises(RecipeError, match=r"teacher is missing: .* in Python, teacher= takes a mo"):
        pretrain(recipe, None, tmp_path / "broken", progress=False)
    own(recipe, tmp_path / "broken")
    assert state(tmp_path / "broken") == state(tmp_path / "whole")


def test_it_teaches_every_stage(tmp_path: Path) -> None:
    stages = "stages=[{method: {params: {binarize: activations}}}, {epochs: 1}]"
    own(guided(stages), tmp_path / "staged")
    own(guided("method.params.binarize=activations"), tmp_path / "first")
    own(guided("epochs=1", f"start={tmp_path / 'first'}"), tmp_path / "second")
    assert state(tmp_path / "staged/stage-1") == state(tmp_path / "first")
    assert state(tmp_path / "staged") == state(tmp_path / "second")


@pytest.mark.parametrize(
    ("teacher", "message"),
    [
        (Teacher(out=9), r"as wide as the student's, 8: .* gave \(1, 9\), not \(1, 8\)"),
        (Teacher().double(), r"take the student's images, float32 \(N, 1, 8, 8\), and fails on"),
        (OfOtherSizes(), r"float32 \(N, 1, 8, 8\), and fails on one: images must be 224"),
        (nn.Conv2d(3, 8, 3), r"student's images, float32 \(N, 1, 8, 8\), and fails on one: Given"),
        ("runs/teacher", r"must be a torch.nn.Module, got str; the path of a stored one goes into"),
    ],
)
def test_what_cannot_teach_is_refused_before_anything_is_written(
    teacher: nn.Module, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        pretrain(guided(), None, tmp_path / "run", teacher=teacher, progress=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (recipe_of(), r"no section selfsup\.guided, so nothing would learn from it; add"),
        (guided("selfsup.guided.teacher=runs/a"), r"two teachers .* selfsup\.guided\.teacher=runs"),
        (guided("selfsup.guided.network=digits"), r"selfsup\.guided\.network=digits does nothing"),
    ],
)
def test_a_recipe_that_has_no_place_for_it_is_refused(
    recipe: Recipe, message: str, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=message):
        own(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()
