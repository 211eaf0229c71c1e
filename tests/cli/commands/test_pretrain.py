from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from tests.cli.conftest import Cli

from signbit.data import open_dataset

RECIPE = """
description: a test
network: digits
method: {name: bnn}
data: {source: digits, mean: [0.5], std: [0.5]}
selfsup:
  head: {hidden: 16, out: 8}
  contrastive: {queue: 32, momentum: 0.9, temperature: 0.2}
  views: {crop_area: 0.3, jitter_probability: 0.5, gray_probability: 0.0, blur_probability: 0.2}
epochs: 1
batch_size: 16
train_images: 64
optimizer: {name: adam, lr: 0.003, weight_decay: 0.0}
schedule: linear
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(RECIPE)
    return path


def test_a_run_is_made_and_not_made_again(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    first = cli("pretrain", recipe, "--out", tmp_path / "run", "epochs=2", "--json")
    figures = first.figures
    assert (figures["epochs"], figures["resumed_from"]) == (2, 0)
    assert 0 < figures["knn_top1"] <= 1
    assert "epoch 2/2" in first.err
    assert "kNN top-1" in first.err
    assert f"next: signbit probe {tmp_path / 'run'}" in first.err
    again = cli("pretrain", recipe, "--out", tmp_path / "run", "epochs=2")
    assert f"{100 * figures['knn_top1']:.2f} %" in again.out
    assert "nothing to train" in again.err


def test_each_command_names_the_other(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert "use signbit pretrain" in cli("train", recipe, "--out", out).mistake
    assert "use signbit train" in cli("pretrain", "sdbnn-digits", "--out", out).mistake
    assert not out.exists()


def test_a_run_without_classifier_says_what_to_do(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert cli("pretrain", recipe, "--out", out).code == 0
    line = cli("evaluate", out).mistake
    assert f"signbit probe {out}" in line
    assert f"signbit compile {out} --features" in line


@pytest.mark.slow
def test_its_backbone_is_inspected(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    out, file = tmp_path / "run", tmp_path / "backbone.sbnn"
    assert cli("pretrain", recipe, "--out", out).code == 0
    assert cli("compile", out, "-o", file, "--features").code == 0
    of_run, of_file = cli("inspect", out, "--json"), cli("inspect", file, "--json")
    assert of_run.figures["layers"] == of_file.figures["layers"]
    assert of_run.figures["source"]["output"] == "features"


def test_help_shows_the_way_from_teacher_to_student(cli: Cli) -> None:
    shown = " ".join(cli("pretrain", "--help").out.split())
    for words in ["signbit pretrain moco-digits", "selfsup.guided.teacher=runs/teacher"]:
        assert words in shown


@pytest.mark.slow
def test_images_without_labels_all_the_way(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    photos, out, file = tmp_path / "photos", tmp_path / "run", tmp_path / "features.sbnn"
    digits = open_dataset("digits", "train").images[:40, ..., 0]
    for index, pixels in enumerate(digits):
        path = photos / ("a" if index % 2 else ".") / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    words = ("pretrain", recipe, "--data", photos, "--out", out, "train_images=32")
    first = cli(*words)
    assert first.code == 0, first.err
    assert "images have no labels, or one class" in first.out
    assert "knn_top1 is not measured; 8 of them are for the diagnostics alone" in first.err
    assert f"next: signbit probe {out} --data LABELLED" in first.err
    assert cli(*words, "--json").figures["knn_top1"] is None

    agreement = cli("compile", out, "-o", file, "--features", "--json").figures["agreement"]
    assert agreement["end_to_end"]["images"] == 8
    assert cli("inspect", out, "--json").figures["source"]["data"] == photos.name
    found = cli("predict", file, photos / "0.png", "--nearest", photos, "--json").figures
    assert found["photos"][0]["nearest"][0]["file"] == str(photos / "0.png")

    assert "labels are needed here" in cli("probe", out).mistake
    assert "labels are needed here" in cli("finetune", out, "--labels", "1").mistake
    probed = cli("probe", out, "--data", "digits", "--epochs", "1", "--json").figures
    assert cli("compile", out, "--probe", probed["probe"], "-o", tmp_path / "m.sbnn").code == 0
