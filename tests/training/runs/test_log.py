"""The log of a run: every line that was said, of every start, and nothing a terminal acts on."""

from __future__ import annotations

from pathlib import Path

import pytest

import signbit
from signbit import recipes
from signbit.training import train
from signbit.training.runs.log import RunLog

SHORT = ["train_images=64", "batch_size=32", "schedule=constant"]


def test_starts_go_on_in_it_whether_lines_are_shown_or_not(tmp_path: Path) -> None:
    out = tmp_path / "run"
    for epochs in (2, 3):
        recipe = recipes.load("bnn-digits", [*SHORT, f"epochs={epochs}"])
        train(recipe, None, out, progress=False)
    lines = (out / "log.txt").read_text("utf-8").splitlines()
    starts = [place for place, line in enumerate(lines) if line.startswith("20")]
    assert len(starts) == 2
    assert lines[0].endswith(f" UTC, signbit {signbit.__version__}")
    epochs = [line.partition("  ")[0] for line in lines if line.startswith("epoch ")]
    assert epochs == ["epoch 1/2", "epoch 2/2", "epoch 3/3"]
    assert "going on after epoch 2 of 3" in lines[starts[1] + 1]


def test_a_mistake_before_there_is_a_run_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(signbit.DataError):
        train(recipes.load("bnn-digits", SHORT), tmp_path / "nowhere", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_lines_wait_for_the_run_and_are_one_line_each(tmp_path: Path) -> None:
    log = RunLog(tmp_path)
    log.say("a\x1b[2J\nb")
    assert not (tmp_path / "log.txt").exists()
    log.begin()
    log.say("c\udce9")
    assert (tmp_path / "log.txt").read_text("utf-8").splitlines()[1:] == [r"a\x1b[2J\nb", r"c\xe9"]


def test_a_log_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "gone")
    log.begin()
    log.say("a")
