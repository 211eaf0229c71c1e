"""Training without labels on the digits: learning, resuming, refusing; in this process."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.training.supervised.test_train import train_until_interrupted as until_interrupted
from tests.training.test_session import state

from signbit.data.loading.dataset import ImageDataset
from signbit.errors import CheckpointError, RecipeError
from signbit.selfsup.pretraining import pretrain
from signbit.selfsup.trained import load_backbone_run
from signbit.training import images, load_run, train
from signbit.training.recipe import Recipe
from signbit.training.recipe.parsing import apply_overrides, parse_recipe
from signbit.training.runs.folder import RunFolder

VIEWS = {
    "crop_area": 0.3,
    "jitter_probability": 0.5,
    "gray_probability": 0.0,
    "blur_probability": 0.2,
}
CONTRASTIVE = {"queue": 50, "momentum": 0.9, "temperature": 0.2}
VALUES: dict[str, Any] = {
    "description": "a test",
    "network": "digits",
    "method": {"name": "bnn"},
    "data": {"source": "digits", "mean": [0.5], "std": [0.5]},
    "selfsup": {
        "head": {"hidden": 16, "out": 8},
        "contrastive": CONTRASTIVE,
        "views": VIEWS,
    },
    "epochs": 3,
    "batch_size": 16,
    "train_images": 80,
    "optimizer": {"name": "adam", "lr": 0.003, "weight_decay": 0.0},
    "schedule": "linear",
}
GUIDED = "selfsup.guided={{teacher: {}, temperature: 0.2}}"


def recipe_of(*overrides: str) -> Recipe:
    return parse_recipe(apply_overrides(VALUES, overrides), "mine")


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of a real network."""
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("teacher") / "run"
    pretrain(recipe_of("method.name=real", "epochs=1"), None, path, progress=False)
    return path


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the recipe as it is."""
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("plain") / "run"
    pretrain(recipe_of(), None, path, progress=False)
    return path


def interrupted(recipe: Recipe, path: Path, epoch: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.training.supervised.test_train.train", pretrain)
        until_interrupted(recipe, path, epoch)


@pytest.mark.slow
def test_it_learns_to_tell_digits_apart(tmp_path: Path) -> None:
    """Chance is one tenth."""
    recipe = recipe_of("epochs=6", "train_images=320", "selfsup.contrastive.queue=320")
    result = pretrain(recipe, None, tmp_path, progress=False)
    assert result.knn_top1 == result.history[-1]["knn_top1"] > 0.5
    last = result.history[-1]
    # Better than by chance among 321 keys; the random ones of the beginning were easier.
    assert result.history[0]["loss/contrastive"] < last["loss/contrastive"] < math.log(321)
    assert last["train_loss"] == pytest.approx(last["loss/contrastive"], rel=1e-5)
    assert 0 < last["embedding/deviation"] < 1
    assert 1 < last["embedding/rank"] <= 8
    assert 0 < last["flips/conv1"] < 1


def test_a_checkpoint_holds_everything_and_the_run_its_backbone(plain: Path) -> None:
    stored = RunFolder(plain).checkpoint(recipe_of())
    assert stored is not None
    names = {name.partition(".")[0] for name in stored.model}
    assert names == {"embedder", "key_encoder", "queue"}
    assert int(stored.model["queue.pointer"]) == 3 * 80 % 50
    run = load_backbone_run(plain)
    assert (run.epoch, run.input_size, run.finished) == (3, (8, 8, 1), True)
    for name, value in run.model.state_dict().items():
        assert torch.equal(value, stored.model[f"embedder.backbone.{name}"])
    assert not run.model.training
    with pytest.raises(CheckpointError, match="learned without labels, so it has no classifier"):
        load_run(plain)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["contrastive", "guided", "both", "bf16", "blurred crops"])
def test_a_broken_run_goes_on_to_the_same_bytes(
    kind: str, plain: Path, teacher: Path, tmp_path: Path
) -> None:
    guided = GUIDED.format(teacher)
    overrides = {
        "contrastive": [],
        "guided": [guided, "selfsup.contrastive=null"],
        "both": [guided],
        "bf16": ["precision=bf16", guided],
        "blurred crops": ["selfsup.views.side=12", "selfsup.views.blur_probability=1"],
    }[kind]
    recipe = recipe_of(*overrides)
    pretrain(recipe, None, tmp_path / "whole", progress=False)
    interrupted(recipe, tmp_path / "broken", 1)
    assert pretrain(recipe, None, tmp_path / "broken", progress=False).resumed_from == 1
    assert state(tmp_path / "broken") == state(tmp_path / "whole")
    assert (state(plain)[0] == state(tmp_path / "whole")[0]) == (kind == "contrastive")
    entry = RunFolder(tmp_path / "whole").checkpoint(recipe).history[-1]  # type: ignore[union-attr]
    assert ("loss/contrastive" in entry) == (kind != "guided")
    for name in ("loss/guided", "teacher/kl", "teacher/agreement"):
        assert (name in entry) == (kind in ("guided", "both", "bf16"))


def test_labels_of_the_training_images_are_not_read(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = images.open_dataset

    def mislabelled(source: str, split: str, **options: Any) -> ImageDataset:
        opened = real(source, split, **options)
        random = np.random.default_rng(1)
        labels = random.integers(0, 10, len(opened)) if split == "train" else opened.labels
        return ImageDataset.from_arrays(
            opened.images, labels, opened.class_names, source=source, split=split
        )

    monkeypatch.setattr(images, "open_dataset", mislabelled)
    pretrain(recipe_of(), None, tmp_path, progress=False)
    ours, theirs = state(tmp_path), state(plain)
    assert ours[0] == theirs[0]
    # Nearest neighbours are measured by them, and by nothing else.
    for one, other in zip(ours[1]["history"], theirs[1]["history"], strict=True):
        assert one.pop("knn_top1") != other.pop("knn_top1")
        assert one == other


def test_nearest_neighbours_are_looked_at_as_often_as_asked(tmp_path: Path, plain: Path) -> None:
    result = pretrain(recipe_of("selfsup.knn_every=2"), None, tmp_path, progress=False)
    assert ["knn_top1" in entry for entry in result.history] == [False, True, True]
    # Looking changes nothing.
    assert state(tmp_path)[0] == state(plain)[0]


def test_guidance_alone_has_one_view_and_neither_queue_nor_second_encoder(
    teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from signbit.data.loading.view_inputs import Views

    seen = set()
    real = Views.__call__

    def counted(self: Views, batch: Any, seed: int, view: int, *rest: int) -> Any:
        seen.add(view)
        return real(self, batch, seed, view, *rest)

    monkeypatch.setattr(Views, "__call__", counted)
    recipe = recipe_of(GUIDED.format(teacher), "selfsup.contrastive=null", "epochs=1")
    pretrain(recipe, None, tmp_path, progress=False)
    assert seen == {0}
    stored = RunFolder(tmp_path).checkpoint(recipe)
    assert stored is not None
    assert {name.partition(".")[0] for name in stored.model} == {"embedder"}


@pytest.mark.slow
def test_stages_are_runs_one_after_the_other(tmp_path: Path) -> None:
    stages = "stages=[{method: {params: {binarize: activations}}}, {epochs: 2}]"
    recipe = recipe_of(stages)
    pretrain(recipe, None, tmp_path / "staged", progress=False)
    first = recipe_of("method.params.binarize=activations")
    pretrain(first, None, tmp_path / "first", progress=False)
    second = recipe_of("epochs=2", f"start={tmp_path / 'first'}")
    pretrain(second, None, tmp_path / "second", progress=False)
    assert state(tmp_path / "staged/stage-1") == state(tmp_path / "first")
    assert state(tmp_path / "staged") == state(tmp_path / "second")
    assert pretrain(recipe, None, tmp_path / "staged", progress=False).resumed_from == 2


def test_another_teacher_and_other_numbers_are_refused(teacher: Path, tmp_path: Path) -> None:
    recipe = recipe_of(GUIDED.format(teacher))
    interrupted(recipe, tmp_path / "run", 1)
    other = tmp_path / "other"
    pretrain(recipe_of("method.name=real", "epochs=1", "seed=1"), None, other, progress=False)
    with pytest.raises(CheckpointError, match=r"another teacher .* \(teacher_digest differs\)"):
        pretrain(recipe_of(GUIDED.format(other)), None, tmp_path / "run", progress=False)
    changed = recipe_of(GUIDED.format(teacher), "selfsup.contrastive.queue=51")
    with pytest.raises(CheckpointError, match=r"selfsup\.contrastive\.queue is 50 there and 51"):
        pretrain(changed, None, tmp_path / "run", progress=False)


def test_mistakes_leave_no_run_behind(teacher: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(RecipeError, match=r"has no section selfsup.* use signbit train "):
        pretrain(recipe_of().model_copy(update={"selfsup": None}), None, out, progress=False)
    with pytest.raises(RecipeError, match=r"has a section selfsup.* use signbit pretrain "):
        train(recipe_of(), None, out, progress=False)
    with pytest.raises(RecipeError, match=r"selfsup\.guided\.teacher is missing: name the folder"):
        pretrain(recipe_of("selfsup.guided.temperature=0.2"), None, out, progress=False)
    with pytest.raises(CheckpointError, match="is a digits, but its network has to be resnet20"):
        pretrain(
            recipe_of(GUIDED.format(teacher), "selfsup.guided.network=resnet20"),
            None,
            out,
            progress=False,
        )
    assert not out.exists()
