"""Images that cannot be decoded, from training to the compiled file: refused, or skipped by all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.commands.test_pretrain import RECIPE
from tests.cli.conftest import Cli, Result

from signbit.data import open_dataset

TRAIN, TEST = ("train/0/empty.png", "train/1/text.png"), ("test/0/text.png", "test/1/empty.png")
SHORT = ("epochs=1", "batch_size=16")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of digits, 30 to learn from and 12 others, and two broken files in each."""
    folder = tmp_path_factory.mktemp("photos")
    for split, count in (("train", 10), ("test", 4)):
        digits = open_dataset("digits", split)
        for label in range(3):
            (folder / split / str(label)).mkdir(parents=True)
            for index in np.flatnonzero(digits.labels == label)[:count]:
                image = Image.fromarray(digits.images[index, ..., 0])
                image.save(folder / split / str(label) / f"{index}.png")
    for name in (*TRAIN, *TEST):
        (folder / name).write_text("no picture" if "text" in name else "")
    return folder


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(RECIPE.replace("train_images: 64", "train_images: null"))
    return path


def require_named(result: Result, *names: str) -> None:
    """Each was skipped, was said to be so once, and no other was."""
    assert result.code == 0, result.err
    lines = [line for line in result.err.splitlines() if "skipped: " in line]
    assert len(lines) == len(names), result.err
    for line, name in zip(lines, names, strict=True):
        assert f"/{name}: not a readable image" in line


def test_a_recipe_that_refuses_names_the_file_and_leaves_no_run(
    cli: Cli, recipe: Path, photos: Path, tmp_path: Path
) -> None:
    mistake = cli("pretrain", recipe, "--data", photos, "--out", tmp_path / "run").mistake
    assert f"{photos}/{TRAIN[0]}: not a readable image (it is empty)" in mistake
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_run_that_skips_them_does_so_in_every_command(
    cli: Cli, recipe: Path, photos: Path, tmp_path: Path
) -> None:
    run, probe, tuned = tmp_path / "run", tmp_path / "probe", tmp_path / "tuned"
    data = (f"data.source={photos}", "data.unreadable=skip")
    require_named(cli("pretrain", recipe, "--out", run, *data), *TRAIN, *TEST)
    features = tmp_path / "features.sbnn"
    require_named(cli("compile", run, "--features", "-o", features), *TEST)
    require_named(cli("probe", run, "--epochs", "2", "--out", probe), *TRAIN, *TEST)
    model = tmp_path / "probe.sbnn"
    compiled = cli("compile", run, "--probe", probe, "-o", model, "--json")
    require_named(compiled, *TEST)
    assert compiled.figures["agreement"]["end_to_end"]["images"] == 12
    # The file has no recipe: it refuses, unless it is told otherwise.
    assert f"{photos}/{TEST[0]}: not a" in cli("evaluate", model, "--data", photos).mistake
    evaluated = cli("evaluate", model, "--data", photos, "--unreadable", "skip", "--json")
    require_named(evaluated, *TEST)
    assert evaluated.figures["images"] == 12
    tuning = ("finetune", run, "--labels", "1", "--out", tuned, *SHORT)
    require_named(cli(*tuning), *TRAIN, *TEST)
    require_named(cli("compile", tuned, "-o", tmp_path / "tuned.sbnn"), *TEST)
    # Other images than the run's are treated as the run's.
    for other in ([], ["--data", photos]):
        evaluated = cli("evaluate", tuned, *other, "--json")
        require_named(evaluated, *TEST)
        assert evaluated.figures["images"] == 12
    refusing = ("evaluate", tuned, "--unreadable", "refuse")
    assert f"{photos}/{TEST[0]}: not a readable image" in cli(*refusing).mistake
    # Both runs are as they were.
    assert "nothing to train" in cli("pretrain", recipe, "--out", run, *data).err
    assert "nothing to train" in cli(*tuning).err


@pytest.mark.slow
def test_a_run_that_refuses_them_may_be_told_to_skip_them(
    cli: Cli, run_folder: Path, photos: Path, tmp_path: Path
) -> None:
    given = ("--data", photos)
    for command in (
        ("evaluate", run_folder),
        ("probe", run_folder, "--out", tmp_path / "probe"),
        ("compile", run_folder, "-o", tmp_path / "model.sbnn"),
        ("finetune", run_folder, "--labels", "1", "--out", tmp_path / "tuned", *SHORT),
    ):
        assert "not a readable image" in cli(*command, *given).mistake
    assert not [*tmp_path.iterdir()]
    skip = (*given, "--unreadable", "skip")
    require_named(cli("evaluate", run_folder, *skip), *TEST)
    require_named(cli("compile", run_folder, "-o", tmp_path / "model.sbnn", *skip), *TEST)
    tuning = ("finetune", run_folder, "--labels", "1", "--out", tmp_path / "tuned", *SHORT)
    require_named(cli(*tuning, *skip), *TRAIN, *TEST)
    probe = tmp_path / "probe"
    require_named(cli("probe", run_folder, "--epochs", "2", "--out", probe, *skip), *TRAIN, *TEST)
    # The probe remembers its images, and so what was done about these.
    assert json.loads((probe / "metrics.json").read_text())["unreadable"] == "skip"
    compiling = ("compile", run_folder, "--probe", probe, "-o", tmp_path / "model.sbnn")
    require_named(cli(*compiling), *TEST)
    assert "not a readable image" in cli(*compiling, "--unreadable", "refuse").mistake


def test_another_word_is_refused(cli: Cli, run_folder: Path) -> None:
    mistake = cli("evaluate", run_folder, "--unreadable", "ignore").mistake
    assert "'ignore' is not one of 'skip', 'refuse'" in mistake
