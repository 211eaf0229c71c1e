from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from PIL import Image
from tests.cli.conftest import Cli


def test_a_finished_run_is_not_trained_again(cli: Cli, run_folder: Path) -> None:
    result = cli("train", "sdbnn-digits", "--out", run_folder, "epochs=2", "--json")
    figures = result.figures
    assert (figures["epochs"], figures["resumed_from"]) == (2, 2)
    assert 0 < figures["top1"] <= 1
    assert figures["run"] == str(run_folder)
    assert "nothing to train" in result.err


def test_a_finished_run_of_other_images_is_not_taken_for_done(
    cli: Cli, run_folder: Path, tmp_path: Path
) -> None:
    for split, name, number in product(("train", "test"), range(10), range(14)):
        path = tmp_path / split / str(name) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 20 * name + number).save(path)
    result = cli("train", "sdbnn-digits", "--out", run_folder, "epochs=2", "--data", tmp_path)
    assert "its run used other training data" in result.mistake
    assert "nothing to train" not in result.err


@pytest.mark.parametrize("override", ["epochz=3", "optimizer.learn=1", "epochs=many", "epochs"])
def test_a_bad_override_is_named(cli: Cli, tmp_path: Path, override: str) -> None:
    result = cli("train", "sdbnn-digits", "--out", tmp_path / "run", override)
    assert override.partition("=")[0].rpartition(".")[2] in result.mistake
    assert not (tmp_path / "run").exists()


def test_a_missing_data_folder_is_named(cli: Cli, tmp_path: Path) -> None:
    result = cli("train", "sdbnn-digits", "--out", tmp_path / "run", "--data", tmp_path / "nowhere")
    assert "nowhere" in result.mistake


def test_an_unknown_recipe_is_named(cli: Cli, tmp_path: Path) -> None:
    assert "nope" in cli("train", "nope", "--out", tmp_path / "run").mistake


def test_a_folder_of_another_recipe_is_left_alone(cli: Cli, run_folder: Path) -> None:
    result = cli("train", "sdbnn-digits", "--out", run_folder, "epochs=3")
    assert "epochs" in result.mistake


@pytest.mark.parametrize("command", [["train", "sdbnn-digits"], ["demo"]])
def test_an_empty_run_folder_is_refused(cli: Cli, command: list[str]) -> None:
    result = cli(*command, "--out", "")
    assert "--out" in result.mistake
    assert len(result.err.splitlines()) == 1


def test_help_teaches_own_photos_and_overrides(cli: Cli) -> None:
    shown = " ".join(cli("train", "--help").out.split())
    for words in [
        "--data photos", "optimizer.lr=0.05", "signbit recipes RECIPE", "32×32",
        "*-cifar10", "train/CLASS/*.jpg and test/CLASS/*.jpg", "20 %",
    ]:  # fmt: skip
        assert words in shown


def test_two_values_for_a_key_are_refused(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    twice = ("--out", tmp_path / "out", "epochs=3", "epochs=4")
    for words in (
        ("train", "bnn-digits"),
        ("pretrain", "moco-digits"),
        ("finetune", run_folder, "--labels", "1"),
        ("compare", "bnn"),
    ):
        assert "'epochs=4' undoes 'epochs=3'; keep one" in cli(*words, *twice).mistake
    seeds = ("compare", "bnn", "--out", tmp_path / "out", "seeds=2", "seeds=3")
    assert "seeds is given as 2 and 3; keep one" in cli(*seeds).mistake
    assert not (tmp_path / "out").exists()
