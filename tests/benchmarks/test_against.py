"""Ratios of two commits, and the process that measures one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import against
from against import rows, summary
from commits.against_build import commit_of
from subjects.against_networks import NETWORKS


def pair(old: tuple[float, float], new: tuple[float, float], default: float) -> dict:
    names = ("batch 1, threads 1", "batch 1, threads 2")
    chosen = {"batch 1, threads default": default}
    return {
        "old": dict(zip(names, old, strict=True)),
        "new": dict(zip(names, new, strict=True)) | chosen,
    }


def test_ratios_are_of_pairs_and_their_median_counts() -> None:
    found = summary([pair((4, 3), (2, 3), 3), pair((9, 3), (3, 3), 3), pair((1, 3), (1, 3), 3)])
    one = found["batch 1, threads 1"]
    assert (one["ratio"], one["lowest"], one["highest"], one["pairs"]) == (2, 1, 3, 3)
    assert (one["old_ms"], one["new_ms"]) == (4, 2)


@pytest.mark.parametrize(
    ("old", "rival"), [((4, 3), "batch 1, threads 2"), ((2, 3), "batch 1, threads 1")]
)
def test_the_engines_own_choice_stands_beside_the_better_one(
    old: tuple[float, float], rival: str
) -> None:
    found = summary([pair(old, (9, 9), 6)] * 9)["batch 1, threads default"]
    assert found["rival"] == rival
    assert found["ratio"] == min(old) / 6


def test_on_one_core_there_is_no_second_thread() -> None:
    times = {"batch 1, threads 1": 2.0, "batch 1, threads default": 2.0}
    found = summary([{"old": times, "new": times}])
    assert found["batch 1, threads default"]["rival"] == "batch 1, threads 1"


def test_a_table_names_every_call() -> None:
    text = rows("digits, inference", summary([pair((4, 3), (2, 3), 3)]))
    assert "| digits, inference " in text
    assert text.count("batch 1, threads") == 3


def test_what_is_no_commit_is_said() -> None:
    with pytest.raises(SystemExit, match="'no-such-thing' is no commit of this repository"):
        commit_of("no-such-thing")


def test_the_networks_of_the_bars_are_there() -> None:
    methods = {name.split("-")[1] for name in NETWORKS if name.startswith("resnet20-")}
    assert methods == {"bnn", "xnor", "bireal", "irnet", "reactnet", "sdbnn", "adabin"}
    others = {name for name in NETWORKS if not name.startswith("resnet20-")}
    assert others == {
        *("digits", "vgg-small-bnn", "resnet18-cifar-bireal", "resnet18-224-bireal"),
        *("reactnet-a", "depthwise"),
    }


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["inference", "training"])
def test_a_process_answers_turn_by_turn(kind: str, tmp_path: Path) -> None:
    subject = "digits"
    if kind == "inference":
        work("compile", tmp_path, "digits")
        subject = tmp_path / "digits.sbnn"
    ready, *turns = work(kind, subject, said="\n\n")
    assert len(turns) == 2
    for turn in turns:
        assert sorted(turn) == ready["ready"]
        assert all(ms > 0 for ms in turn.values())


def work(*arguments: object, said: str = "") -> list[dict]:
    """What the worker says, a line each."""
    done = subprocess.run(
        [sys.executable, against.WORKER, *map(str, arguments)],
        input=said,
        text=True,
        stdout=subprocess.PIPE,
        check=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(Path(against.__file__).parent)},
    )
    return [json.loads(line) for line in done.stdout.splitlines()]
