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
    assert "cat" in cli("evaluate", model_file, "--data", tmp_path).mistake


def test_a_file_needs_data(cli: Cli, model_file: Path) -> None:
    assert "--data" in cli("evaluate", model_file).mistake


def test_a_missing_run_or_file_is_named(cli: Cli, tmp_path: Path) -> None:
    assert "nowhere" in cli("evaluate", tmp_path / "nowhere").mistake


def test_a_folder_that_is_no_run_is_named(cli: Cli, tmp_path: Path) -> None:
    assert str(tmp_path) in cli("evaluate", tmp_path).mistake


def test_an_unknown_split_is_named(cli: Cli, model_file: Path) -> None:
    result = cli("evaluate", model_file, "--data", "digits", "--split", "dev")
    assert "dev" in result.mistake
