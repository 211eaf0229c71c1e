from pathlib import Path

import pytest

from signbit.errors import RecipeError
from signbit.training.recipe import recipe_files


def test_a_shipped_recipe_by_name_and_the_same_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(recipe_files.text("sdbnn-digits"), "utf-8")
    assert recipe_files.load(path) == recipe_files.load("sdbnn-digits")
    assert recipe_files.load(str(path), ["epochs=7"]).epochs == 7


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"no recipe 'sdbn-digit'; nearest: sdbnn-digits"):
        recipe_files.load("sdbn-digit")
    for strange in ("xyz", "", "5" * 300):
        with pytest.raises(RecipeError, match=r"nearest: [^,]+, [^,]+, [^,]+ \(signbit recipes"):
            recipe_files.load(strange)


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"absent\.yaml: cannot read"):
        recipe_files.load(tmp_path / "absent.yaml")
    bad = tmp_path / "bad.yaml"
    bad.write_text("epochs: [1")
    with pytest.raises(RecipeError, match=r"bad\.yaml: not valid YAML"):
        recipe_files.load(bad)
    bad.write_text("- a list")
    with pytest.raises(RecipeError, match=r"bad\.yaml: a recipe is a mapping"):
        recipe_files.load(bad, ["epochs=3"])
