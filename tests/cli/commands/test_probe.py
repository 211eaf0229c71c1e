from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Cli
from torch import nn

from signbit.errors import CheckpointError
from signbit.selfsup.evaluation.probe import Probe, save_probe

SHORT = ("--epochs", "5")


def test_a_probe_of_a_supervised_run(cli: Cli, run_folder: Path) -> None:
    result = cli("probe", run_folder, *SHORT, "--json")
    figures = result.figures
    folder = run_folder / "probe-digits"
    assert figures["probe"] == str(folder)
    assert 0.5 < figures["top1"] < figures["top5"] <= 1
    assert json.loads((folder / "metrics.json").read_text())["top1"] == figures["top1"]
    assert f"compile {run_folder} --probe {folder}" in result.err


def test_the_tables(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "named"
    shown = cli("probe", run_folder, *SHORT, "--out", out, "--lr", "0.1", "--lr", "1e38")
    assert shown.code == 0
    assert "linear probe" in shown.out
    assert "diverged" in shown.out
    assert sorted(path.name for path in out.iterdir()) == ["metrics.json", "probe.safetensors"]


def test_a_share_of_the_labels_does_not_take_the_place_of_all(cli: Cli, run_folder: Path) -> None:
    whole, part = (
        cli("probe", run_folder, "--epochs", "1", *words, "--json").figures["probe"]
        for words in ([], ["--labels", "0.1"])
    )
    assert part == f"{whole}-0.1"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--labels", "0"], "above 0 and at most 1, not 0.0"),
        (["--labels", "1.2"], "above 0 and at most 1, not 1.2"),
        (["--lr", "-1"], "positive learning rates"),
        (["--data", "nowhere"], "nowhere: no such folder"),
        (["--split", "validation"], "validation"),
    ],
)
def test_mistakes_are_told(
    cli: Cli, run_folder: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    assert said in cli("probe", run_folder, "--out", tmp_path / "probe", *arguments).mistake
    assert not (tmp_path / "probe").exists()


def test_a_folder_that_cannot_be_written_is_named_before_the_work(
    cli: Cli, run_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("a file")
    result = cli("probe", run_folder, *SHORT, "--out", tmp_path / "file" / "probe")
    assert "a probe cannot be written there" in result.mistake
    assert "epochs at learning rate" not in result.err


def test_that_a_probe_is_replaced_is_said(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    words = ("probe", run_folder, "--epochs", "1", "--out", tmp_path / "probe")
    assert "will be replaced" not in cli(*words).err
    assert "will be replaced; --out FOLDER keeps both" in cli(*words).err


def test_what_cannot_be_saved_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    probe = Probe(nn.Linear(2, 2), ("a", "b"), {"top1": 0.5})
    with pytest.raises(CheckpointError, match=r"top-1 was 0\.5000"):
        save_probe(probe, tmp_path / "file")


def test_a_folder_that_is_no_run(cli: Cli, tmp_path: Path) -> None:
    assert "not a run folder" in cli("probe", tmp_path).mistake
