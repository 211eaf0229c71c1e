"""Short runs: every network that takes small images has one, and what is done is not done again."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import short_runs
from signbit import models, recipes
from subjects.architectures import NETWORKS


def test_every_published_network_for_small_images_is_trained() -> None:
    trained = {recipes.load(recipe).network for recipe in short_runs.RECIPES}
    small = {name for name, each in NETWORKS.items() if each.side == 32 and each.recipe}
    # Those whose recipes have longer runs in docs/results.md.
    assert trained == small - {"resnet20", "resnet18-cifar", "vgg-small"}
    assert trained <= {*models.names()}


def test_what_is_done_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    out, trained = tmp_path / "runs.json", []

    def train(recipe: str, data: str, runs: Path, changes: list[str]) -> dict[str, object]:
        trained.append((recipe, changes))
        return {"network": recipe, "top1": 0.5, "seconds": 1.0}

    monkeypatch.setattr(short_runs, "train", train)
    command = ["short_runs", "--data", "d", "--runs", "r", "--out", str(out), "--recipes"]
    for names in (["mixer-cifar10"], ["mixer-cifar10", "keywords"]):
        monkeypatch.setattr(sys, "argv", [*command, *names])
        assert short_runs.main() == 0
    changes = ["epochs=5", "train_images=10000"]
    assert trained == [("mixer-cifar10", changes), ("keywords", changes)]
    assert [*json.loads(out.read_text())["runs"]] == ["mixer-cifar10", "keywords"]
    monkeypatch.setattr(sys, "argv", [*command, "mixer-cifar10", "--epochs", "2"])
    with pytest.raises(SystemExit, match="of runs with"):
        short_runs.main()
