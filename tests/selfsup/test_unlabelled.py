"""Training on images that have no labels: what is learned is the same, what needs labels is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from tests.selfsup.test_pretraining import interrupted, recipe_of
from tests.training.test_session import state

from signbit.data import open_dataset
from signbit.errors import DataError
from signbit.selfsup.evaluation.finetune import finetune
from signbit.selfsup.evaluation.linear import ProbePlan
from signbit.selfsup.evaluation.probe import train_probe
from signbit.selfsup.pretraining import pretrain
from signbit.selfsup.trained import load_backbone_run
from signbit.training.images import open_images
from signbit.training.recipe import Recipe

SHORT = ("epochs=2", "train_images=null", "selfsup.contrastive.queue=32")
MEASURED = {"embedding/deviation", "embedding/rank", "features/rank", "loss/contrastive"}


def write(folder: Path, images: range) -> Path:
    """Digits as files, with neither a class nor an order in their names."""
    digits = open_dataset("digits", "train")
    folder.mkdir(parents=True, exist_ok=True)
    for index in images:
        Image.fromarray(digits.images[index, ..., 0]).save(folder / f"{index:03d}.png")
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write(tmp_path / "photos", range(60))


def of(source: Path, *overrides: str) -> Recipe:
    return recipe_of(f"data.source={source}", *SHORT, *overrides)


def test_everything_but_nearest_neighbours_is_measured(
    photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    result = pretrain(of(photos), None, tmp_path / "run")
    assert result.knn_top1 is None
    for entry in result.history:
        assert {*entry} >= MEASURED
        assert "knn_top1" not in entry
    said = capfd.readouterr().err
    assert said.count("photos: its images have no labels, or one class, so knn_top1 is not") == 1
    assert "12 of them are for the diagnostics alone" in said
    assert "kNN" not in said


def test_guided_learning_is_measured_against_its_teacher(photos: Path, tmp_path: Path) -> None:
    teacher = tmp_path / "teacher"
    pretrain(of(photos, "method.name=real", "epochs=1"), None, teacher, progress=False)
    guided = of(
        photos,
        f"selfsup.guided={{teacher: {teacher}, temperature: 0.2}}",
        "selfsup.contrastive=null",
        "epochs=1",
    )
    (entry,) = pretrain(guided, None, tmp_path / "run", progress=False).history
    assert {*entry} >= {"teacher/kl", "teacher/agreement", "loss/guided"}


def test_a_broken_run_goes_on_to_the_same_bytes(photos: Path, tmp_path: Path) -> None:
    recipe = of(photos)
    pretrain(recipe, None, tmp_path / "whole", progress=False)
    interrupted(recipe, tmp_path / "broken", 1)
    assert pretrain(recipe, None, tmp_path / "broken", progress=False).resumed_from == 1
    assert state(tmp_path / "broken") == state(tmp_path / "whole")
    again = pretrain(recipe, None, tmp_path / "whole", progress=False)
    assert (again.resumed_from, again.knn_top1) == (2, None)


def test_what_is_held_out_is_not_learned(photos: Path, tmp_path: Path) -> None:
    training, test = open_images(of(photos, "data.test_split=validation"), lambda line: None)
    assert (len(training), len(test)) == (48, 12)
    own = {image.tobytes() for image in training.images}
    assert not own & {image.tobytes() for image in test.images}
    # The same network as from a folder that has the images in two parts.
    parts = tmp_path / "parts"
    for index, file in enumerate(sorted(photos.iterdir())):
        split = parts / ("test" if index % 5 == 1 else "train")
        split.mkdir(parents=True, exist_ok=True)
        (split / file.name).write_bytes(file.read_bytes())
    results = [
        pretrain(of(each), None, tmp_path / f"run of {each.stem}", progress=False)
        for each in (photos, parts)
    ]
    assert results[0].history[-1]["embedding/rank"] == results[1].history[-1]["embedding/rank"]


def test_labels_of_one_split_alone_are_left_out(tmp_path: Path) -> None:
    write(tmp_path / "train", range(30))
    for name in ("even", "odd"):
        write(tmp_path / "test" / name, range(30, 34))
    said: list[str] = []
    training, test = open_images(of(tmp_path), said.append)
    assert training.class_names == test.class_names == ("unlabelled",)
    assert (len(training), test.labels.tolist(), len(said)) == (30, [0] * 8, 1)


def test_a_train_folder_of_classes_alone_keeps_its_labels(tmp_path: Path) -> None:
    for number, name in enumerate(("one", "two")):
        write(tmp_path / "data/train" / name, range(20 * number, 20 * number + 20))
    recipe = of(tmp_path / "data", "epochs=1")
    result = pretrain(recipe, None, tmp_path / "run", progress=False)
    assert result.knn_top1 is not None


def test_images_that_cannot_be_decoded_are_skipped_as_asked(photos: Path) -> None:
    (photos / "000.png").write_bytes(b"")
    said: list[str] = []
    training, test = open_images(of(photos, "data.unreadable=skip"), said.append)
    assert (len(training), len(test)) == (47, 12)
    assert said[0] == f"skipped: {photos}/000.png: not a readable image (it is empty)"


def test_what_learns_from_labels_says_that_they_are_needed(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    pretrain(of(photos, "epochs=1"), None, out, progress=False)
    run = load_backbone_run(out)
    needed = r"60 images in no class folder .* labels are needed here: name .* with --data"
    with pytest.raises(DataError, match=needed):
        train_probe(run, ProbePlan(1, 16, (0.1,), 0))
    with pytest.raises(DataError, match=needed):
        finetune(out, tmp_path / "tuned", progress=False)
    assert train_probe(run, ProbePlan(1, 256, (0.1,), 0), data="digits").facts["top1"] > 0
