"""From plain values to recipes: overrides, validation, and the runs that a staged recipe means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from signbit.errors import RecipeError
from signbit.training.recipe import Recipe
from signbit.training.recipe.findings import explained
from signbit.training.recipe.yaml_text import read

__all__ = ["apply_overrides", "flat", "kept", "parse_recipe", "single_runs"]

# What all stages have in common, or what is the whole run's.
_NOT_IN_A_STAGE = (
    "binarize",
    "description",
    "label_share",
    "network",
    "selfsup",
    "stages",
    "start",
    "train_images",
)

_MISSING = object()


def parse_recipe(values: Any, name: str) -> Recipe:
    """A recipe from plain values. RecipeError lists every unknown key and bad value of `name`."""
    if not isinstance(values, Mapping):
        raise RecipeError(f"{name}: a recipe is a mapping of keys to values, see `signbit recipes`")
    recipe = _validated(values, name)
    try:
        single_runs(recipe)
    except RecipeError as error:
        raise RecipeError(f"{name}: {error}") from None
    return recipe


def single_runs(recipe: Recipe) -> list[Recipe]:
    """The runs that `recipe` means, in order: one, or one for each of its stages.

    Only the first keeps `start`. Raises RecipeError for a change that a stage cannot make, one that
    changes nothing, and a value of the recipe that every stage replaces.
    """
    if recipe.stages is None:
        return [recipe]
    shared = recipe.model_dump(mode="json", exclude={"stages"})
    given = recipe.model_dump(mode="json", exclude={"stages"}, exclude_defaults=True)
    replaced: list[set[str]] = []
    runs = []
    for number, changes in enumerate(recipe.stages):
        where = f"stages.{number}"
        for key in _NOT_IN_A_STAGE:
            if key in changes:
                raise RecipeError(f"{where}.{key} cannot differ between stages; move it out")
        if same := _repeated(shared, changes):
            raise RecipeError(f"{where}.{same[0]} changes nothing; leave it out")
        replaced.append(_replaced(given, changes))
        merged = _merged(shared, changes)
        runs.append(_validated({**merged, "start": recipe.start if number == 0 else None}, where))
    if idle := sorted(set.intersection(*replaced)):
        raise RecipeError(
            f"{idle[0]} does nothing: every stage has its own; put the last stage's outside"
        )
    return runs


def apply_overrides(values: Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """`values` with each "key.subkey=value" set, in order; values are read by `yaml_text.read`.

    "size=64" is short for "data.input_size=[64, 64]".

    A number stands for an item of a list, from 0: "stages.0.epochs=3". Raises RecipeError on text
    without "=" and on a path through something that has no keys. Whether the keys exist is for
    `parse_recipe` to say.
    """
    result: dict[str, Any] = _copy(dict(values))
    for override in map(_in_full, overrides):
        path, equals, text = override.partition("=")
        keys = path.strip().split(".")
        if not equals or not all(keys):
            raise RecipeError(f"override {override!r}: write key=value, such as optimizer.lr=0.05")
        target: Any = result
        for key, below in zip(keys, [*keys[1:], None], strict=True):
            if isinstance(target, list):
                if not key.isdigit() or int(key) >= len(target):
                    choices = ", ".join(str(number) for number in range(len(target)))
                    raise RecipeError(f"override {override!r}: no item {key}; there are: {choices}")
                at: Any = int(key)
            else:
                at = key
            if below is None:
                target[at] = read(text, f"override {override!r}")
                break
            inner = target[at] if isinstance(target, list) else target.setdefault(at, {})
            if inner is None:
                inner = target[at] = {}
            if not isinstance(inner, dict | list):
                raise RecipeError(f"override {override!r}: {key} is {inner!r}, it has no keys")
            target = inner
    return result


def kept(overrides: Iterable[str]) -> list[str]:
    """The overrides of a command line, of which none may undo another; the same twice is no other.

    Raises RecipeError, which quotes both.
    """
    done: dict[tuple[str, ...], str] = {}
    for override in overrides:
        keys = tuple(_in_full(override).partition("=")[0].strip().split("."))
        for earlier, said in done.items():
            if earlier[: len(keys)] == keys and said != override:
                raise RecipeError(f"override {override!r} undoes {said!r}; keep one of them")
        done[keys] = override
    return list(done.values())


def _in_full(override: str) -> str:
    key, equals, side = override.partition("=")
    return f"data.input_size=[{side}, {side}]" if equals and key.strip() == "size" else override


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"a": {"b": 1}} → {"a.b": 1}."""
    result: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            result |= flat(value, f"{prefix}{key}.")
        else:
            result[prefix + str(key)] = value
    return result


def _validated(values: Mapping[str, Any], name: str) -> Recipe:
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise RecipeError(f"{name}: {'; '.join(explained(error.errors()))}") from None


def _is_another(old: Any, new: Any) -> bool:
    """Whether `new` takes the place of `old`: a value, or a section of another name."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return True
    return bool(new.get("name", old.get("name")) != old.get("name"))


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes`, section by section."""
    result = dict(base)
    for key, new in changes.items():
        old = base.get(key)
        result[key] = new if _is_another(old, new) else _merged(old, new)  # type: ignore[arg-type]
    return result


def _repeated(base: Mapping[str, Any], changes: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The keys of `changes` that say what `base` says already."""
    keys = []
    for key, new in changes.items():
        old = base.get(key, _MISSING)
        if not _is_another(old, new):
            keys += _repeated(old, new, f"{prefix}{key}.")
        elif old == new:
            keys.append(prefix + key)
    return keys


def _replaced(base: Mapping[str, Any], changes: Mapping[str, Any], prefix: str = "") -> set[str]:
    """The keys of `base` whose values `changes` takes the place of."""
    keys: set[str] = set()
    for key in {*base} & {*changes}:
        old, new = base[key], changes[key]
        if not _is_another(old, new):
            keys |= _replaced(old, new, f"{prefix}{key}.")
        else:
            keys |= {*flat({key: old}, prefix)}
    return keys


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_copy(inner) for inner in value]
    return value
