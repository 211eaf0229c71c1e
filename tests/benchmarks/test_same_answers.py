"""Logits are held against each other bit for bit; both sides compile weights drawn once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import signbit
from commits.same_answers_worker import answer, draw
from same_answers import SIZE, WORKER, before, differing, said, same, write
from subjects.grid_cases import Case, Photographs

CASE = Case("digits", "sdbnn", "1/1", "trained")


def test_one_bit_counts_as_an_image() -> None:
    logits = np.random.default_rng(0).standard_normal((4, 10)).astype(np.float32)
    logits[3] = 0, -0.0, np.nan, *logits[3, 3:]
    other = logits.copy()
    assert differing({"scalar": logits}, {"scalar": other}) == {"scalar": 0}
    other[1, 2] = np.nextafter(other[1, 2], np.float32(9))
    other[3, 0] = -0.0
    assert differing({"scalar": logits}, {"scalar": other}) == {"scalar": 2}


def test_all_images_differ_where_there_is_nothing_to_compare() -> None:
    logits = np.zeros((3, 10), np.float32)
    assert differing({"scalar": logits}, {}) == {"scalar": 3}
    assert differing({}, {"avx2": logits}) == {"avx2": 3}
    assert differing({"scalar": logits}, {"scalar": logits[:, :5]}) == {"scalar": 3}


def test_results_in_words() -> None:
    line = {"different": {"scalar": 0, "avx2": 2}, "file_bytes": {"old": 9, "new": 8}}
    assert not same(line)
    assert said(line) == "2 images differ on avx2; 9 → 8 bytes"
    line["different"] = {"scalar": 0, "avx2": 0}
    assert same(line)
    assert said(line) == "the same; 9 → 8 bytes"
    assert not same({"failed": "no"})
    assert said({"failed": "no"}) == "failed: no"


@pytest.mark.slow
def test_both_sides_compile_the_drawn_weights(tmp_path: Path) -> None:
    draw(tmp_path, CASE, Photographs("", ""))
    found = []
    for side in ("old", "new"):
        answer(tmp_path, side, 3, CASE)
        found.append(dict(np.load(tmp_path / f"{side}.npz")))
    assert [int(side.pop(SIZE)) > 10_000 for side in found] == [True, True]
    assert differing(*found) == dict.fromkeys(signbit.cpu_isas(), 0)
    logits = found[0]["scalar"]
    assert logits.shape == (3, 10)
    assert len(np.unique(logits)) > 10


@pytest.mark.slow
def test_a_worker_answers_and_outlives_what_fails(tmp_path: Path) -> None:
    draw(tmp_path, CASE, Photographs("", ""))
    tasks = [
        {"side": side, "folder": str(tmp_path), "case": list(case), "count": 1}
        for side, case in (("old", CASE._replace(network="nothing")), ("new", CASE))
    ]
    done = subprocess.run(
        [sys.executable, str(WORKER)],
        input="".join(json.dumps(task) + "\n" for task in tasks),
        env={**os.environ, "PYTHONPATH": str(WORKER.parents[1])},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    failed, answered = done.stdout.splitlines()
    assert "nothing" in failed
    assert answered == ""
    assert not (tmp_path / "old.npz").exists()
    assert (tmp_path / "new.npz").exists()


def test_a_run_goes_on_behind_the_last_one(tmp_path: Path) -> None:
    path, setting = tmp_path / "out.json", {"old": "a", "new": "b", "images": 8}
    assert before(path, setting) == {}
    line = {"case": "digits bnn", "different": {"scalar": 0}, "file_bytes": {"old": 9, "new": 8}}
    other = {**line, "case": "digits xnor", "different": {"scalar": 3}}
    write(path, setting, [line, other])
    assert before(path, setting) == {"digits bnn": line, "digits xnor": other}
    figures = json.loads(path.read_text())
    assert figures["differing"] == {"digits xnor": "3 images differ on scalar; 9 → 8 bytes"}
    with pytest.raises(SystemExit, match="remove the file to begin anew"):
        before(path, {**setting, "new": "c"})
