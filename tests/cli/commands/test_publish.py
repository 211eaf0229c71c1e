"""A published folder: what it holds, what it keeps to itself, and the way back from the Hub."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from tests.cli.conftest import Cli

import signbit
from signbit.training.runs.folder import RunFolder, read_run
from signbit.training.runs.state_dicts import state_digest

FILES = ["README.md", "config.json", "model.safetensors", "model.sbnn", "recipe.yaml"]
FILES.append("report.html")
COMMIT = "c" * 40


@pytest.fixture
def odd_run(run_folder: Path, tmp_path: Path) -> Path:
    """The run under a name that is markup everywhere."""
    return Path(shutil.copytree(run_folder, tmp_path / "a|b<img src=x>*_[c](d)"))


def test_from_a_run_to_the_hub_and_back(
    cli: Cli, odd_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "hub"
    to = cache / "models--me--digits" / "snapshots" / COMMIT
    options = ("--name", "me/digits", "--license", "Apache-2.0", "--images", "99")
    found = cli("publish", odd_run, "--to", to, *options, "--json").figures
    assert found["files"] == FILES == sorted(path.name for path in to.iterdir())
    assert found["images"] == 99
    assert str(tmp_path) not in "".join(
        (to / name).read_text("utf-8") for name in FILES if not name.startswith("model.")
    )
    config = json.loads((to / "config.json").read_text())
    for name, digest in config["sha256"].items():
        assert hashlib.sha256((to / name).read_bytes()).hexdigest() == digest
    assert config["class_names"] == [str(number) for number in range(10)]

    (to.parents[1] / "refs").mkdir()
    (to.parents[1] / "refs" / "main").write_text(COMMIT)
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), dtype=np.uint8)
    here, there = signbit.load(to / "model.sbnn"), signbit.load(f"hub:me/digits@{COMMIT}")
    np.testing.assert_array_equal(here(images), there(images))

    out = tmp_path / "further"
    short = ("epochs=1", "train_images=64", "batch_size=32")
    result = cli("train", "sdbnn-digits", "--out", out, *short, "start=hub:me/digits")
    assert result.code == 0, result.err
    weights = read_run(odd_run).checkpoint.model
    assert RunFolder(out).facts()["start_digest"] == state_digest(weights)
    assert read_run(out).recipe.start == "hub:me/digits"


def test_the_card_is_yaml_and_markdown_that_shows_names_as_they_are(
    cli: Cli, odd_run: Path, tmp_path: Path
) -> None:
    to = tmp_path / "p"
    result = cli("publish", odd_run, "--to", to, "--images", "9")
    assert result.code == 0, result.err
    assert "it states no licence" in result.err
    _, metadata, card = (to / "README.md").read_text("utf-8").split("---\n", 2)
    values = yaml.safe_load(metadata)
    assert (values["library_name"], values["pipeline_tag"]) == ("signbit", "image-classification")
    assert "license" not in values
    assert r"# a\|b\<img src=x\>\*\_\[c\](d)" in card
    assert "| licence | not stated |" in card
    assert "| top-1 | " in card
    assert 'signbit.load("hub:OWNER/NAME")' in card


def test_mistakes_are_one_line_and_leave_nothing(
    cli: Cli, run_folder: Path, model_file: Path, tmp_path: Path
) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").touch()
    for arguments, why in (
        ((run_folder, "--to", full), "is there already"),
        ((run_folder, "--to", tmp_path / "p", "--name", "../x"), "is no name of a network"),
        ((tmp_path, "--to", tmp_path / "p"), "not a run folder"),
        ((model_file, "--to", tmp_path / "p"), "file"),
    ):
        assert why in cli("publish", *arguments).mistake
    assert not (tmp_path / "p").exists()
