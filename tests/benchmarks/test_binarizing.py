from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from binarizing import ARMS, RECIPE, TEACHER, figures, rows
from signbit import recipes
from signbit.training.recipe.parsing import single_runs


def a_run(folder: Path, top1: list[float], begun: float, ended: float) -> Path:
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text("")
    os.utime(folder / "recipe.yaml", (begun, begun))
    lines = [{"top1": each, "seconds": 30.0, "images_per_second": 500.0} for each in top1]
    (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    os.utime(folder / "metrics.jsonl", (ended, ended))
    return folder


def test_a_run_is_its_last_epoch_and_lasts_from_its_first_stage(tmp_path: Path) -> None:
    first = a_run(tmp_path / "stage-1", [0.5, 0.6], 1000.0, 1200.0)
    whole = a_run(tmp_path / "whole", [0.4, 0.8, 0.75], 1200.0, 1600.0)
    found = figures([first, whole])
    assert found["top1"] == 0.75
    assert found["top1_by_epoch"] == [0.5, 0.6, 0.4, 0.8, 0.75]
    assert found["minutes"] == pytest.approx(10)
    assert found["training_minutes"] == pytest.approx(2.5)
    report = {
        "teacher": found,
        "runs": [{"arm": arm, "seed": seed, **found} for seed in (0, 1) for arm in ARMS],
    }
    assert rows(report)[1] == ["real weights", "75.00, 75.00", "75.00", "10.0"]


def test_the_recipes_are_there() -> None:
    assert recipes.load(TEACHER[0], TEACHER[1:]).network == recipes.load(RECIPE).network
    first, last = single_runs(recipes.load(RECIPE))
    assert first.method.params == {"binarize": "activations"}
    assert last.method.params == {}
