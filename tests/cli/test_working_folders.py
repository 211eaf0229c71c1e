"""A run that was begun in one working folder is used, and goes on, in others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from tests.cli.conftest import Cli

from signbit.data import open_dataset

SHORT = ("schedule=constant", "batch_size=8")


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with `photos`: two classes in train/ and val/."""
    folder = tmp_path / "work"
    for split, name in (("train", "train"), ("test", "val")):
        digits = open_dataset("digits", split)
        for label in range(2):
            (folder / "photos" / name / str(label)).mkdir(parents=True)
            for index in np.flatnonzero(digits.labels == label)[:10]:
                image = Image.fromarray(digits.images[index, ..., 0])
                image.save(folder / f"photos/{name}/{label}/{index}.png")
    monkeypatch.chdir(folder)
    return folder


def train(cli: Cli, *arguments: object) -> None:
    result = cli("train", "bnn-digits", *SHORT, *arguments)
    assert result.code == 0, result.err


def test_a_run_knows_its_images_from_everywhere(
    cli: Cli, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(cli, "--data", "photos", "--out", "run", "epochs=1")
    monkeypatch.chdir("/")
    run = work / "run"
    figures = cli("evaluate", run, "--json").figures
    assert (figures["images"], figures["data"]) == (20, str(work / "photos"))
    compiled = cli("compile", run, "-o", work / "m.sbnn", "--images", "4")
    assert compiled.code == 0, compiled.err
    # What the file remembers is nobody's path.
    assert cli("inspect", work / "m.sbnn", "--json").figures["source"]["data"] == "photos"
    train(cli, "--data", work / "photos", "--out", run, "epochs=2")


def test_a_run_from_before_goes_on_and_learns_where_its_images_are(
    cli: Cli, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(cli, "--data", "photos", "--out", "run", "epochs=1")
    stored = work / "run/recipe.yaml"
    values = yaml.safe_load(stored.read_text())
    values["data"]["source"] = "photos"
    stored.write_text(yaml.safe_dump(values))
    monkeypatch.chdir(work / "run")
    missing = cli("evaluate", work / "run").mistake
    assert "photos: no such folder" in missing
    assert "name one with --data" in missing
    train(cli, "--data", work / "photos", "--out", work / "run", "epochs=2")
    assert cli("evaluate", work / "run", "--json").figures["images"] == 20


def test_an_unfinished_run_does_not_carry_the_figures_of_its_recipe(cli: Cli, work: Path) -> None:
    train(cli, "--data", "photos", "--out", "run", "epochs=1")
    notes = cli("inspect", "run", "--json").figures["source"]
    assert notes["recipe"].endswith("changed: schedule=constant, batch_size=8, epochs=1")
    assert notes["epochs"] == "1"
    stored = work / "run/recipe.yaml"
    stored.write_text(stored.read_text().replace("epochs: 1", "epochs: 256"))
    facts = work / "run/run.json"
    facts.write_text(facts.read_text().replace('"format": 1', '"format": 1, "earlier_epochs": [1]'))
    notes = cli("inspect", "run", "--json").figures["source"]
    assert "recipe" not in notes
    assert (notes["epochs"], notes["data"]) == ("1 of 256, unfinished", "photos")


@pytest.mark.parametrize("command", ["train", "compare", "finetune", "probe"])
def test_no_command_writes_among_images(cli: Cli, work: Path, command: str) -> None:
    train(cli, "--data", "photos", "--out", "run", "epochs=1")
    before = sorted(work.rglob("*"))
    arguments = {
        "train": ("bnn-digits",),
        "compare": ("bnn", "--protocol", "bnn-digits"),
        "finetune": ("run", "--labels", "1"),
        "probe": ("run",),
    }[command]
    for out, words in (
        ("photos", "is the folder of the images"),
        ("photos/runs/one", "is inside the folder of the images"),
        (".", "holds other files (photos, run)"),
    ):
        assert words in cli(command, *arguments, "--data", "photos", "--out", out).mistake
    assert sorted(work.rglob("*")) == before
