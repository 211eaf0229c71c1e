"""What a training run is made of, as validated data. No torch here, no defaults that hide choices.

A recipe is read from YAML (see signbit/recipes), changed by overrides such as `optimizer.lr=0.05`,
and stored in the run folder as it was used.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from signbit.errors import RecipeError

__all__ = [
    "Adam",
    "Augment",
    "DataRecipe",
    "MethodRecipe",
    "Recipe",
    "Sgd",
    "apply_overrides",
    "parse_recipe",
]


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number is needed, not true or false")
    return value


_Whole = Annotated[int, BeforeValidator(_no_bool)]
_Number = Annotated[float, BeforeValidator(_no_bool)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class MethodRecipe(_Strict):
    """A method of `signbit.methods` by name, with the parameters that its paper leaves open."""

    name: str
    params: dict[str, bool | int | float | str] = {}


class Augment(_Strict):
    """Training only: mirror with probability 1/2; pad with black, then cut the old size."""

    flip: bool = False
    crop_padding: _Whole = Field(default=0, ge=0)


class DataRecipe(_Strict):
    """Where images come from and what happens to them before the network.

    `mean` and `std` are per channel in units of 0 … 1; their length, 1 or 3, is the number of
    channels. `resize_shorter_side` is in pixels; absent, it is the network's own input size.
    `workers` is how many processes decode images while training; with 0 they are decoded once, into
    memory or the cache, and absent, that is so if they fit. The numbers are the same for all.
    """

    source: str
    mean: tuple[_Number, ...] = Field(min_length=1, max_length=3)
    std: tuple[Annotated[_Number, Field(gt=0)], ...] = Field(min_length=1, max_length=3)
    augment: Augment = Augment()
    resize_shorter_side: _Whole | None = Field(default=None, gt=0)
    interpolation: Literal["bilinear", "nearest"] = "bilinear"
    workers: _Whole | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _one_value_a_channel(self) -> DataRecipe:
        if len(self.mean) != len(self.std) or len(self.mean) == 2:
            raise ValueError(
                f"mean has {len(self.mean)} values, std {len(self.std)}; "
                "both need 1 (gray) or 3 (RGB)"
            )
        return self


class Sgd(_Strict):
    """Stochastic gradient descent with momentum; weight decay is added to the gradient."""

    name: Literal["sgd"]
    lr: _Number = Field(gt=0)
    momentum: _Number = Field(ge=0, lt=1)
    weight_decay: _Number = Field(ge=0)


class Adam(_Strict):
    """Adam with β = (0.9, 0.999); weight decay is added to the gradient."""

    name: Literal["adam"]
    lr: _Number = Field(gt=0)
    weight_decay: _Number = Field(ge=0)


class Recipe(_Strict):
    """One supervised training run.

    `schedule` takes the learning rate from `optimizer.lr` to 0 (cosine, linear) or leaves it.
    `train_images` keeps that many training images, the first after a seeded shuffle.
    `batch_size` is over all processes. With `sync_batch_norm` several of them normalise by the
    statistics of the whole batch, as one would; without, each by those of its own part.
    `gradients: bfloat16` rounds the gradients of native binary convolutions before they meet signs,
    on CPUs that multiply bfloat16; others refuse it.
    """

    description: str
    network: str
    method: MethodRecipe
    data: DataRecipe
    epochs: _Whole = Field(gt=0)
    batch_size: _Whole = Field(gt=1)
    optimizer: Annotated[Sgd | Adam, Field(discriminator="name")]
    schedule: Literal["cosine", "linear", "constant"]
    seed: _Whole = Field(default=0, ge=0)
    train_images: _Whole | None = Field(default=None, gt=0)
    sync_batch_norm: bool = True
    gradients: Literal["float32", "bfloat16"] = "float32"

    def to_yaml(self) -> str:
        """The whole recipe; `parse_recipe(yaml.safe_load(text))` gives it back."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def parse_recipe(values: Any, name: str) -> Recipe:
    """A recipe from plain values. RecipeError lists every unknown key and bad value of `name`."""
    if not isinstance(values, Mapping):
        raise RecipeError(f"{name}: a recipe is a mapping of keys to values, see `signbit recipes`")
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        lines = [_explain(detail) for detail in error.errors()]
        raise RecipeError(f"{name}: {'; '.join(lines)}") from None


def apply_overrides(values: Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """`values` with each "key.subkey=value" set; values are read as YAML.

    Raises RecipeError on text without "=" and on a path through something that has no keys.
    Whether the keys exist is for `parse_recipe` to say.
    """
    result = _copy(values)
    for override in overrides:
        path, equals, text = override.partition("=")
        keys = path.strip().split(".")
        if not equals or not all(keys):
            raise RecipeError(f"override {override!r}: write key=value, such as optimizer.lr=0.05")
        target = result
        for key in keys[:-1]:
            inner = target.setdefault(key, {})
            if not isinstance(inner, dict):
                raise RecipeError(f"override {override!r}: {key} is {inner!r}, it has no keys")
            target = inner
        target[keys[-1]] = _value(text, override)
    return result


def _copy(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _copy(value) if isinstance(value, Mapping) else value for key, value in values.items()
    }


def _value(text: str, override: str) -> Any:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"override {override!r}: {text!r} is not a YAML value") from error
    if isinstance(value, str):
        # YAML 1.1 reads 1e-4 as text; a person means the number.
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _explain(detail: Any) -> str:
    """One pydantic error as "where: what, what would be right"."""
    # A discriminated union adds the chosen tag to the location; a person did not write it.
    location = [part for part in detail["loc"] if part not in ("sgd", "adam")]
    where = ".".join(str(part) for part in location) or "recipe"
    if detail["type"] == "extra_forbidden":
        elsewhere = [dotted for dotted in _all_keys() if dotted.split(".")[-1] == str(location[-1])]
        if elsewhere and where not in elsewhere:
            return f"unknown key {where}; did you mean {' or '.join(elsewhere)}?"
        choices = _keys_beside(detail["loc"])
        close = difflib.get_close_matches(str(location[-1]), choices, n=3)
        hint = (
            f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(choices)}"
        )
        return f"unknown key {where}; {hint}"
    if detail["type"] == "missing":
        return f"{where} is missing"
    if detail["type"] == "union_tag_not_found":
        return f"{where}.name is missing; use one of: {', '.join(_OPTIMIZERS)}"
    if detail["type"] == "union_tag_invalid":
        name = detail["ctx"]["tag"]
        return f"{where}.name={name!r} is unknown; use one of: {', '.join(_OPTIMIZERS)}"
    message = detail["msg"].removeprefix("Value error, ")
    if isinstance(detail["input"], (Mapping, BaseModel)):
        return f"{where}: {message}"
    return f"{where}={detail['input']!r}: {message[0].lower()}{message[1:]}"


_OPTIMIZERS: dict[str, type[BaseModel]] = {"sgd": Sgd, "adam": Adam}
_MODELS: dict[tuple[str | int, ...], type[BaseModel]] = {
    (): Recipe,
    ("method",): MethodRecipe,
    ("data",): DataRecipe,
    ("data", "augment"): Augment,
    **{("optimizer", name): model for name, model in _OPTIMIZERS.items()},
}


def _keys_beside(location: tuple[str | int, ...]) -> list[str]:
    """The keys that exist where the last part of `location` does not."""
    return list(_MODELS[location[:-1]].model_fields)


def _all_keys() -> list[str]:
    """Every key as a person writes it, such as optimizer.lr."""
    keys = {
        ".".join([*(str(part) for part in at if part not in _OPTIMIZERS), field]): None
        for at, model in _MODELS.items()
        for field in model.model_fields
    }
    return list(keys)
