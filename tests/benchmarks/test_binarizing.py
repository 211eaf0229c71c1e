from __future__ import annotations

from binarizing import ARMS, RECIPE, TEACHER, rows
from signbit import recipes
from signbit.training.recipe.parsing import single_runs


def test_a_table_has_each_seed_and_the_mean() -> None:
    found = {"top1": 0.75, "minutes": 10.0}
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
