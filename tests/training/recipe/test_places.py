from __future__ import annotations

from pathlib import Path

import pytest

from signbit import recipes
from signbit.training.recipe.places import with_absolute_places


def test_paths_become_absolute_and_names_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths = ["data.source=photos", "start=runs/a", "teacher.checkpoint=../b.safetensors"]
    recipe = with_absolute_places(recipes.load("bnn-digits", paths))
    assert recipe.data.source == str(tmp_path / "photos")
    assert recipe.start == str(tmp_path / "runs/a")
    assert recipe.teacher is not None
    assert recipe.teacher.checkpoint == f"{tmp_path}/../b.safetensors"
    assert with_absolute_places(recipe) == recipe
    for source in ("digits", "hub:a/b"):
        kept = recipes.load("bnn-digits", [f"data.source={source}"])
        assert with_absolute_places(kept) == kept
    guided = recipes.load("s2bnn-guided-digits", ["selfsup.guided.teacher=t"])
    section = with_absolute_places(guided).selfsup
    assert section is not None
    assert section.guided is not None
    assert section.guided.teacher == str(tmp_path / "t")


def test_a_description_says_what_was_changed_but_not_where_things_lie() -> None:
    plain = recipes.load("bnn-digits").description
    overrides = ["epochs=3", "start=/home/me/a", "data.workers=2", "teacher={checkpoint: /home/b}"]
    changed = recipes.load("bnn-digits", overrides)
    assert changed.description == f"{plain}; changed: epochs=3, teacher=…"
    assert recipes.load("bnn-digits", ["data.source=/home/me"]).description == plain
    assert recipes.load("bnn-digits", ["description=mine"]).description == "mine"
