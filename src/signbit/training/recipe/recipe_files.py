"""The recipes that ship with signbit, and recipe files of a user's own."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

import yaml

from signbit.errors import RecipeError
from signbit.training.recipe import Recipe
from signbit.training.recipe.parsing import apply_overrides, parse_recipe

__all__ = ["load", "names", "text"]

_SUFFIX = ".yaml"


def names() -> list[str]:
    """The recipes that ship with signbit, sorted."""
    files = (entry.name for entry in resources.files("signbit.recipes").iterdir())
    return sorted(name.removesuffix(_SUFFIX) for name in files if name.endswith(_SUFFIX))


def text(name: str | Path) -> str:
    """The YAML of a shipped recipe, or of a file: a path that exists or ends in .yaml or .yml.

    Raises RecipeError on an unknown name, with the nearest ones, or an unreadable file.
    """
    if str(name) in names():
        return (resources.files("signbit.recipes") / f"{name}{_SUFFIX}").read_text("utf-8")
    path = Path(name)
    if path.suffix in (_SUFFIX, ".yml") or path.is_file():
        try:
            return path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"{path}: cannot read this recipe file ({error})") from error
    close = difflib.get_close_matches(str(name), names(), n=3, cutoff=0.4) or names()
    raise RecipeError(f"no recipe {str(name)!r}; nearest: {', '.join(close)}")


def load(name: str | Path, overrides: Iterable[str] = ()) -> Recipe:
    """A shipped recipe or a recipe file, with overrides such as "epochs=12" applied.

    Raises RecipeError naming each unknown key, with the nearest choices, and each bad value.
    """
    try:
        values = yaml.safe_load(text(name))
    except yaml.YAMLError as error:
        raise RecipeError(f"{name}: not valid YAML ({error})") from error
    if isinstance(values, dict):
        values = apply_overrides(values, overrides)
    return parse_recipe(values, str(name))
