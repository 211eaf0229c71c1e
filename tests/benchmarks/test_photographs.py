"""Folds of photographs: each is held out once, groups alike; what is done is not done again."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from PIL import Image
from pyarrow import parquet

import photographs
from signbit import recipes


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A small photograph of every second class of ImageNet."""
    rows = []
    for label in range(0, 1000, 2):
        stream = io.BytesIO()
        Image.new("RGB", (4, 4), (label // 4, 9, 9)).save(stream, "jpeg")
        rows.append({"image": {"bytes": stream.getvalue(), "path": None}, "label": label})
    (tmp_path / "data").mkdir()
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "data/train.parquet")
    return tmp_path / "data"


def files(folder: Path) -> set[tuple[str, str]]:
    return {(path.parent.name, path.name) for path in folder.rglob("*.jpg")}


def test_every_photograph_is_held_out_once(data: Path, tmp_path: Path) -> None:
    folds = photographs.folds(data, tmp_path / "work", seed=3)
    held_out = [files(fold / "test") for fold in folds]
    everything = set.union(*held_out)
    taken = {label for labels in photographs.GROUPS.values() for label in labels if not label % 2}
    assert len(everything) == sum(map(len, held_out)) == len(taken)
    for fold, test in zip(folds, held_out, strict=True):
        assert files(fold / "train") == everything - test
        counts = [sum(name == group for name, _ in test) for group in photographs.GROUPS]
        whole = [sum(name == group for name, _ in everything) for group in photographs.GROUPS]
        assert np.abs(np.array(counts) - np.array(whole) / photographs.FOLDS).max() < 1
    assert photographs.folds(data, tmp_path / "work", seed=3) == folds
    others = photographs.folds(data, tmp_path / "again", seed=4)
    assert files(others[0] / "test") != held_out[0]


def test_the_routes_are_of_recipes_that_exist() -> None:
    for commands in photographs.ROUTES.values():
        for name, *words in commands:
            if name in ("train", "pretrain"):
                changes = [word for word in words if "=" in word and "{" not in word]
                assert recipes.load(words[0], changes)


def test_what_is_done_is_not_done_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = []

    def measured(route: str, fold: Path, backbone: Path, seed: int) -> dict[str, object]:
        made.append((route, fold.name))
        return {"top1": 0.5 + 0.1 * len(made), "minutes": 1.0}

    monkeypatch.setattr(photographs, "measured", measured)
    monkeypatch.setattr(photographs.runs, "signbit", lambda *words: None)
    out = tmp_path / "out.json"
    command = ["photographs", "--data", data, "--weights", "w", "--work", tmp_path, "--out", out]
    for folds in (["0"], ["0", "2"]):
        words = [*map(str, command), "--routes", "photos", "recipe", "--folds", *folds]
        monkeypatch.setattr(sys, "argv", words)
        assert photographs.main() == 0
    assert made == [(route, f"fold-{n}") for n in (0, 2) for route in ("photos", "recipe")]
    assert [each["top1"] for each in json.loads(out.read_text())["runs"]] == pytest.approx(
        [0.6, 0.7, 0.8, 0.9]
    )
    assert "| photos | 2     | 70.0     | 14.1 | 1.0" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", [*words, "--seed", "1"])
    with pytest.raises(SystemExit, match="made with --seed 0; name another file"):
        photographs.main()
