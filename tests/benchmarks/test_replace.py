"""The trainings of docs/replace.md: equal rules for both sides, and rates that were chosen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

import replace
from signbit import models, recipes


@pytest.mark.parametrize("network", replace.NETWORKS)
def test_both_sides_see_the_same_images_under_the_same_teacher(network: str) -> None:
    name, *words = [*replace.recipe_of(network), *replace.TEACHES, "epochs=10"]
    recipe = recipes.load(name, words)
    usual = recipes.load("best-resnet20-cifar10", [*replace.TEACHES, "epochs=10"])
    for key in ("data", "epochs", "batch_size", "teacher", "schedule", "optimizer", "stages"):
        assert getattr(recipe, key) == getattr(usual, key), key
    assert recipe.network == network
    assert models.is_real(network) == (replace.NETWORKS[network] == replace.REAL)


def test_the_best_rate_on_the_images_left_out_is_taken_and_none_is_guessed() -> None:
    figures = {"runs": {f"rate-resnet20-{rate}": {"top1": rate} for rate in replace.RATES}}
    assert replace.best_rate(figures, "resnet20") == max(replace.RATES)
    with pytest.raises(SystemExit, match="real-resnet20 were not tried yet"):
        replace.best_rate(figures, "real-resnet20")


def test_the_last_images_are_left_out_and_none_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replace, "LEFT_OUT", 3)
    parquet.write_table(pa.table({"label": np.arange(10)}), tmp_path / "train-0-of-1.parquet")
    made = replace.without_last(tmp_path, tmp_path / "made")
    parts = [parquet.read_table(made / f"{s}-0.parquet")["label"] for s in ("train", "test")]
    assert [part.to_pylist() for part in parts] == [[*range(7)], [7, 8, 9]]
    assert replace.without_last(tmp_path / "absent", made) == made
