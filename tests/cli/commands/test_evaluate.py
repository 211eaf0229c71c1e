from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.conftest import TRAIN_EXTRA, Cli

from signbit.data import open_dataset


def test_run_and_file_are_scored_on_the_same_images(
    cli: Cli, run_folder: Path, model_file: Path
) -> None:
    trained = cli("evaluate", run_folder, "--json").figures
    compiled = cli("evaluate", model_file, "--data", "digits", "--json").figures
    assert trained["images"] == compiled["images"] == 362
    assert trained["top1"] > 0.3
    assert compiled["top1"] == pytest.approx(trained["top1"], abs=0.02)


def test_the_train_split_can_be_chosen(cli: Cli, model_file: Path) -> None:
    figures = cli(
        "evaluate", model_file, "--data", "digits", "--split", "train", "--threads", "1", "--json"
    ).figures
    assert (figures["images"], figures["threads"]) == (1435, 1)


def test_labels_follow_the_names_of_the_classes(
    fresh_cli: Cli, cli: Cli, model_file: Path, tmp_path: Path
) -> None:
    """A folder whose alphabetical class order is not the file's order gives the same top-1."""
    digits = open_dataset("digits", "test")
    for index in range(100):
        folder = tmp_path / "digits" / "test" / digits.class_names[digits.labels[index]]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(digits.images[index][..., 0]).save(folder / f"{index}.png")
    for name in digits.class_names:
        (tmp_path / "digits" / "train" / name).mkdir(parents=True)
    result = fresh_cli(
        "evaluate", model_file, "--data", tmp_path / "digits", "--json", blocked=TRAIN_EXTRA
    )
    expected = digits.take(np.arange(100))
    import signbit

    logits = signbit.load(model_file)(expected.images)
    assert result.figures["top1"] == float(np.mean(logits.argmax(1) == expected.labels))


def test_other_classes_are_refused(cli: Cli, model_file: Path, tmp_path: Path) -> None:
    for name in ["cat", "dog"]:
        folder = tmp_path / "test" / name
        folder.mkdir(parents=True)
        (tmp_path / "train" / name).mkdir(parents=True)
        Image.new("L", (8, 8)).save(folder / "0.png")
    mistake = cli("evaluate", model_file, "--data", tmp_path).mistake
    assert "knows no class cat, dog; it knows 0, 1, 2" in mistake
    assert "the images are of cat, dog; rename the classes" in mistake


def class_folders(root: Path, *names: str) -> Path:
    """One gray image of 8×8 in each class of the test images, and a training image."""
    for split in ("train", "test"):
        for number, name in enumerate(names):
            (root / split / name).mkdir(parents=True)
            Image.new("L", (8, 8), 90 * number).save(root / split / name / "0.png")
    return root


@pytest.fixture
def unnamed(tmp_path: Path) -> Path:
    """A file of two outputs that names no classes."""
    from torch import nn

    from signbit.compiler import compile_model

    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2)).eval()
    compiled = compile_model(model, input_size=(8, 8, 1), mean=[0.5], std=[0.5])
    compiled.save(tmp_path / "unnamed.sbnn")
    return tmp_path / "unnamed.sbnn"


@pytest.mark.parametrize("names", [("a",), ("a", "b", "c")])
def test_classes_without_names_must_be_as_many_as_outputs(
    cli: Cli, unnamed: Path, tmp_path: Path, names: tuple[str, ...]
) -> None:
    data = class_folders(tmp_path / "data", *names)
    mistake = cli("evaluate", unnamed, "--data", data).mistake
    assert f"({', '.join(names)}), the network 2 outputs" in mistake
    assert "compile it with class_names=" in mistake


def test_without_names_the_order_is_said(cli: Cli, unnamed: Path, tmp_path: Path) -> None:
    data = class_folders(tmp_path / "data", "b", "a")
    result = cli("evaluate", unnamed, "--data", data, "--json")
    assert result.figures["images"] == 2
    assert "its outputs are taken to be: a, b" in result.err


def test_some_of_the_classes_are_enough_and_that_is_said(
    cli: Cli, model_file: Path, run_folder: Path, tmp_path: Path
) -> None:
    data = class_folders(tmp_path / "data", "7", "3")
    for scored in (model_file, run_folder):
        result = cli("evaluate", scored, "--data", data, "--json")
        assert result.figures["images"] == 2
        assert "has images of 2 of the network's 10 classes: 3, 7" in result.err


def test_names_may_be_written_in_two_forms_of_unicode(tmp_path: Path) -> None:
    from signbit.cli.scoring import match_classes

    dataset = open_dataset(class_folders(tmp_path / "data", "cafe\u0301", "bar"), "test")
    assert match_classes(dataset, ["caf\u00e9", "bar"], 2).labels.tolist() == [1, 0]


def test_a_file_needs_data(cli: Cli, model_file: Path) -> None:
    assert "--data" in cli("evaluate", model_file).mistake


def test_a_missing_run_or_file_is_named(cli: Cli, tmp_path: Path) -> None:
    assert "nowhere" in cli("evaluate", tmp_path / "nowhere").mistake


def test_a_folder_that_is_no_run_is_named(cli: Cli, tmp_path: Path) -> None:
    assert str(tmp_path) in cli("evaluate", tmp_path).mistake


def test_an_unknown_split_is_named(cli: Cli, model_file: Path) -> None:
    result = cli("evaluate", model_file, "--data", "digits", "--split", "dev")
    assert "dev" in result.mistake
