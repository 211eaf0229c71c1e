from __future__ import annotations

import json
from pathlib import Path

from binarizing import ARMS, RECIPE, TEACHER, earlier, rows
from signbit import recipes
from signbit.training.recipe.parsing import single_runs


def test_a_table_has_each_seed_and_the_mean() -> None:
    found = {"top1": 0.75, "minutes": 10.0}
    report = {
        "teacher": found,
        "runs": [{"arm": arm, "seed": seed, **found} for seed in (0, 1) for arm in ARMS],
    }
    assert rows(report)[1] == ["real weights", "75.00, 75.00", "75.00", "10.0"]


def test_what_was_measured_before_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    assert earlier(None, []) == earlier(out, []) == []
    out.write_text(json.dumps({"runs": [{"seed": 0}], "changes": ["epochs=1"]}))
    assert earlier(out, ["epochs=1"]) == [{"seed": 0}]
    assert earlier(out, []) == []


def test_the_recipes_are_there() -> None:
    assert recipes.load(TEACHER[0], TEACHER[1:]).network == recipes.load(RECIPE).network
    first, last = single_runs(recipes.load(RECIPE))
    assert first.method.params == {"binarize": "activations"}
    assert last.method.params == {}
