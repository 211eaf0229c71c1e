"""`--import`, by docs/own-networks.md: its file, its recipe and its commands, from end to end."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from tests.cli.conftest import Cli

from signbit.cli.app import app, export

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "own-networks.md").read_text("utf-8")


def block(language: str) -> str:
    """The first block of code of the page in a language."""
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's file and recipe."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "mine.py").write_text(block("python"))
    (folder / "mine.yaml").write_text(block("yaml"))
    return folder


def lines(place: Path, *commands: str) -> list[str]:
    """What the commands print, one after another in one new process, all of which succeed."""
    script = (
        "import shlex, sys; sys.path.remove(''); from signbit.cli.main import run\n"
        "for line in sys.argv[1:]:\n"
        "    assert run(shlex.split(line)[1:]) == 0"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *commands],
        capture_output=True,
        text=True,
        cwd=place,
        env={**os.environ, "COLUMNS": "120", "OMP_NUM_THREADS": "1"},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return [*done.stdout.splitlines(), *done.stderr.splitlines()]


@pytest.fixture(scope="module")
def said(place: Path) -> list[str]:
    """What the page's commands print."""
    first, *others = block("sh").splitlines()
    return lines(place, first, *(f"{each} --json" for each in others))


def test_a_file_of_ones_own_from_training_to_the_engine(place: Path, said: list[str]) -> None:
    following = next(line for line in said if line.startswith("next: "))
    assert shlex.split(following)[-2:] == ["--import", str(place / "mine.py")]
    compared, run, compiled, model, _ = [json.loads(line) for line in said if line[:1] == "{"]
    assert {row["method"] for row in compared["rows"]} == {"gentle", "bnn"}
    assert run["top1"] == model["top1"] > 0.9
    assert compiled["agreement"]["agrees"]


@pytest.mark.usefixtures("said")
def test_a_run_says_which_file_it_needs(place: Path, tmp_path: Path, cli: Cli) -> None:
    run = place / "run"
    (stored,) = json.loads((run / "run.json").read_text())["imports"]
    assert stored["path"] == str(place / "mine.py")
    for command in ("evaluate", "compile --check", "inspect", "finetune --labels 1"):
        word, *more = command.split()
        said = cli(word, run, *more).mistake
        assert "'gentle' is not signbit's own" in said
        assert f"add --import {place / 'mine.py'} to the command" in said
    stored["path"] = str(tmp_path / "gone.py")
    moved = tmp_path / "moved"
    shutil.copytree(run, moved)
    (moved / "run.json").write_text(
        json.dumps({**json.loads((run / "run.json").read_text()), "imports": [stored]})
    )
    assert (
        f"--import {tmp_path / 'gone.py'}, which is gone; restore" in cli("evaluate", moved).mistake
    )
    assert (
        "or --import the file that registers it"
        in cli("train", place / "mine.yaml", "--out", tmp_path / "new").mistake
    )


@pytest.mark.usefixtures("said")
def test_a_file_that_has_changed_is_told(place: Path) -> None:
    (place / "later").mkdir()
    (place / "later" / "mine.py").write_text(block("python") + "\n# a word more\n")
    said = lines(place, "signbit evaluate run --import later/mine.py")
    assert any(f"{place / 'mine.py'} has changed since the run was begun" in line for line in said)


LAZY = """
class Lazy:
    # A data set of PyTorch's kind; processes that decode are sent it.
    def __init__(self, split):
        self.images, self.targets, self.classes = squares(split)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.images[index], int(self.targets[index])


data.register("lazy", Lazy)
"""


@pytest.mark.slow
def test_processes_and_those_that_decode_for_them_know_the_file(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(block("python") + LAZY)
    (tmp_path / "mine.yaml").write_text(block("yaml"))
    signbit = Path(sysconfig.get_path("scripts")) / "signbit"
    train = [str(signbit), "train", "mine.yaml", "--import", "mine.py", "data.source=lazy"]
    both = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    for command in (
        [*train, "--out", "one", "data.workers=0"],
        [*both, "--no-python", *train, "--out", "two", "data.workers=1"],
    ):
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240
        )
        assert done.returncode == 0, done.stderr
    one, two = (
        json.loads((tmp_path / name / "metrics.jsonl").read_text().splitlines()[-1])
        for name in ("one", "two")
    )
    assert two["train_loss"] == pytest.approx(one["train_loss"], rel=0.02)
    facts = json.loads((tmp_path / "two" / "run.json").read_text())
    assert facts["processes"] == 2
    assert [each["path"] for each in facts["imports"]] == [str(tmp_path / "mine.py")]


def test_every_command_imports() -> None:
    for command in [*app.registered_commands, *export.registered_commands]:
        assert command.callback is not None
        assert "imports" in command.callback.__annotations__
