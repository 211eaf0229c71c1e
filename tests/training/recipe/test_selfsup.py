from typing import Any

import pytest
import yaml

from signbit.errors import RecipeError
from signbit.training.recipe import Recipe
from signbit.training.recipe.identity import recipe_digest
from signbit.training.recipe.parsing import apply_overrides, parse_recipe

VALUES: dict[str, Any] = {
    "description": "a test",
    "network": "resnet20",
    "method": {"name": "bireal"},
    "data": {"source": "somewhere", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
    "selfsup": {
        "head": {"hidden": 64, "out": 32},
        "contrastive": {"queue": 100, "momentum": 0.99, "temperature": 0.2},
        "guided": {"teacher": "there", "network": "resnet20", "temperature": 0.2},
        "views": {
            "crop_area": 0.2,
            "jitter_probability": 0.6,
            "gray_probability": 0.2,
            "blur_probability": 0.2,
        },
    },
    "epochs": 2,
    "batch_size": 8,
    "optimizer": {"name": "adam", "lr": 0.1, "weight_decay": 0.0},
    "schedule": "linear",
}


def recipe_of(*overrides: str) -> Recipe:
    return parse_recipe(apply_overrides(VALUES, overrides), "mine")


def refused(*overrides: str) -> str:
    """The message that a recipe with `overrides` is refused with."""
    with pytest.raises(RecipeError) as caught:
        recipe_of(*overrides)
    return str(caught.value)


def test_yaml_round_trip() -> None:
    recipe = recipe_of()
    assert recipe.selfsup is not None
    assert recipe.selfsup.knn_every == 1
    assert parse_recipe(yaml.safe_load(recipe.to_yaml()), "again") == recipe


def test_one_term_is_enough_and_none_is_not() -> None:
    assert recipe_of("selfsup.guided=null").selfsup.contrastive is not None  # type: ignore[union-attr]
    assert recipe_of("selfsup.contrastive=null").selfsup.guided is not None  # type: ignore[union-attr]
    message = refused("selfsup.contrastive=null", "selfsup.guided=null")
    assert message == "mine: selfsup: nothing to learn: give contrastive, guided, or both"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["label_smoothing=0.1"], "label_smoothing does nothing: labels are not learned"),
        (["label_share=0.1"], "label_share does nothing: labels are not learned"),
        (["teacher.checkpoint=x"], "teacher does nothing: selfsup.guided.teacher is who guides"),
        (["data.augment.flip=true"], "data.augment does nothing: selfsup.views says"),
        (["data.input_size=[8, 8]"], "data.input_size does nothing: a backbone learns at its"),
        (
            ["data.mean=[0.5]", "data.std=[0.5]"],
            "selfsup.views.gray_probability does nothing: images of one channel are gray",
        ),
    ],
)
def test_keys_that_do_nothing_are_refused(overrides: list[str], message: str) -> None:
    assert message in refused(*overrides)


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("selfsup.contrastive.queue=0", ["selfsup.contrastive.queue=0", "greater than 0"]),
        ("selfsup.contrastive.momentum=1.5", ["momentum=1.5", "less than or equal to 1"]),
        ("selfsup.views.crop_area=0", ["selfsup.views.crop_area=0", "greater than 0"]),
        ("selfsup.views.blur_probability=2", ["blur_probability=2", "less than or equal to 1"]),
        ("selfsup.knn_every=0", ["selfsup.knn_every=0"]),
        ("selfsup.head={hidden: 3}", ["selfsup.head.out is missing"]),
        ("selfsup.contrastive.quue=3", ["unknown key selfsup.contrastive.quue", "mean queue?"]),
        (
            "selfsup.views.jitter=3",
            ["unknown key selfsup.views.jitter", "there are: crop_area, jitter"],
        ),
        ("queue=3", ["unknown key queue", "did you mean selfsup.contrastive.queue?"]),
    ],
)
def test_bad_keys_and_values_are_named(override: str, parts: list[str]) -> None:
    message = refused(override)
    for part in parts:
        assert part in message


@pytest.mark.parametrize("section", ["contrastive", "guided"])
def test_temperatures_have_a_range(section: str) -> None:
    key = f"selfsup.{section}.temperature"
    for value in ("0", "-1", "1e-30", "0.0009", "1001", ".inf", ".nan"):
        message = refused(f"{key}={value}")
        assert message.startswith(f"mine: {key}=")
        assert ": temperature must be in 0.001 … 1000, got " in message
    assert f"{key}=True: a number is needed" in refused(f"{key}=true")
    for value in ("0.001", "1000"):
        assert recipe_of(f"{key}={value}").selfsup is not None


def test_stages_share_the_section() -> None:
    message = refused("stages=[{selfsup: {knn_every: 3}}, {}]")
    assert "stages.0.selfsup cannot differ between stages" in message


def test_where_the_teacher_lies_is_no_part_of_the_run_but_all_else_is() -> None:
    digest = recipe_digest(recipe_of())
    assert recipe_digest(recipe_of("selfsup.guided.teacher=elsewhere")) == digest
    for other in ("selfsup.guided.temperature=0.3", "selfsup.views.crop_area=0.3"):
        assert recipe_digest(recipe_of(other)) != digest
