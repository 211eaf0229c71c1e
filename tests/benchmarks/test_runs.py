from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from measuring.runs import figures_of


def a_run(folder: Path, top1: list[float], begun: float, ended: float) -> Path:
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text("")
    os.utime(folder / "recipe.yaml", (begun, begun))
    lines = [
        {"top1": each, "seconds": 30.0, "images_per_second": 500.0, "train_loss": 1.0}
        for each in top1
    ]
    (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    os.utime(folder / "metrics.jsonl", (ended, ended))
    return folder


def test_a_run_is_its_last_epoch_and_lasts_from_its_first_stage(tmp_path: Path) -> None:
    out = a_run(tmp_path / "run", [0.4, 0.8, 0.75], 1200.0, 1600.0)
    a_run(out / "stage-1", [0.5, 0.6], 1000.0, 1200.0)
    found = figures_of(out)
    assert found["top1"] == 0.75
    assert found["top1_by_epoch"] == [0.5, 0.6, 0.4, 0.8, 0.75]
    assert found["minutes"] == pytest.approx(10)
    assert found["training_minutes"] == pytest.approx(2.5)
