"""The recipes that ship with signbit, and recipe files of a user's own."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from signbit.errors import RecipeError
from signbit.files import checked_path
from signbit.training.recipe import Recipe
from signbit.training.recipe.parsing import apply_overrides, parse_recipe
from signbit.training.recipe.places import PLACES
from signbit.training.recipe.yaml_text import read

__all__ = ["load", "names", "text"]

_SUFFIX = ".yaml"


def names() -> list[str]:
    """The recipes that ship with signbit, sorted."""
    files = (entry.name for entry in resources.files("signbit.recipes").iterdir())
    return sorted(name.removesuffix(_SUFFIX) for name in files if name.endswith(_SUFFIX))


def text(name: str | Path) -> str:
    """The YAML of a shipped recipe, or of a file: a path that exists or ends in .yaml or .yml.

    Raises RecipeError on an unknown name, with the nearest ones, or an unreadable file; InputError
    for what is no name.
    """
    name = name if isinstance(name, str) else checked_path("recipe", name)
    if name in names():
        return (resources.files("signbit.recipes") / f"{name}{_SUFFIX}").read_text("utf-8")
    path = Path(name)
    if path.suffix in (_SUFFIX, ".yml") or os.path.isfile(path):
        try:
            return path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"{path}: cannot read this recipe file ({error})") from error
    close = ", ".join(difflib.get_close_matches(name, names(), n=3, cutoff=0))
    raise RecipeError(f"no recipe {name!r}; nearest: {close} (signbit recipes lists all)")


def load(name: str | Path, overrides: Iterable[str] = ()) -> Recipe:
    """A shipped recipe or a recipe file, with overrides such as "epochs=12" applied.

    Its description then says what was changed, as its figures are of what it was.
    Raises RecipeError naming each unknown key, with the nearest choices, and each bad value.
    """
    values = read(text(name), str(name))
    if isinstance(values, dict):
        overrides = list(overrides)
        values = apply_overrides(values, overrides)
        changed = [*filter(None, map(_told, overrides))]
        if changed and isinstance(values.get("description"), str):
            values["description"] += f"; changed: {', '.join(changed)}"
    return parse_recipe(values, str(name))


def _told(override: str) -> str | None:
    """What a description says of an override; None where the numbers stay the same.

    Where things lie on somebody's machine is nobody else's business.
    """
    key = override.partition("=")[0].strip()
    if key in (*PLACES, "data.workers", "description", "license"):
        return None
    return f"{key}=…" if any(place.startswith(f"{key}.") for place in PLACES) else override
