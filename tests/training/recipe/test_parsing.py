"""Stages, overrides inside lists, and keys that would do nothing; the rest is in test_recipe."""

from typing import Any

import pytest
import yaml
from tests.training.recipe.test_recipe import VALUES, refused

from signbit.errors import RecipeError
from signbit.training.recipe import Recipe
from signbit.training.recipe.parsing import apply_overrides, kept, parse_recipe, single_runs
from signbit.training.recipe.sections import Adam, Bop, Sgd, Steps, Teacher, WarmUp

STAGES: list[dict[str, Any]] = [
    {
        "method": {"params": {"initial_weights": "fan-out"}},
        "epochs": 3,
    },
    {"optimizer": {"name": "adam", "lr": 0.01, "weight_decay": 0.0}},
]


def staged(*overrides: str) -> Recipe:
    values = {**VALUES, "stages": STAGES}
    return parse_recipe(apply_overrides(values, overrides), "mine")


def test_a_recipe_without_stages_is_one_run() -> None:
    recipe = parse_recipe(VALUES, "mine")
    assert single_runs(recipe) == [recipe]


def test_a_stage_is_the_recipe_with_its_changes() -> None:
    recipe = staged("start=runs/before")
    first, second = single_runs(recipe)
    assert first.method.params == {"reduction": 4, "initial_weights": "fan-out"}
    assert first.optimizer == recipe.optimizer
    assert (first.epochs, first.start) == (3, "runs/before")
    assert second.method.params == {"reduction": 4}
    # An optimiser of another name replaces the whole section.
    assert second.optimizer == Adam(name="adam", lr=0.01, weight_decay=0.0)
    assert (second.epochs, second.start) == (2, None)
    assert first.stages is None
    assert second.stages is None
    assert parse_recipe(yaml.safe_load(recipe.to_yaml()), "again") == recipe


def test_a_stage_changes_single_keys_of_a_section() -> None:
    changed = {"optimizer": {"weight_decay": 1e-5, "decay_on": "convolutions"}}
    recipe = parse_recipe({**VALUES, "stages": [changed, {}]}, "mine")
    first, second = single_runs(recipe)
    assert first.optimizer == Sgd(
        name="sgd", lr=0.1, momentum=0.9, weight_decay=1e-5, decay_on="convolutions"
    )
    assert second.optimizer == recipe.optimizer


def test_overrides_reach_into_stages() -> None:
    first, second = single_runs(staged("stages.0.epochs=7", "epochs=9", "stages.1.seed=4"))
    assert (first.epochs, second.epochs, second.seed) == (7, 9, 4)
    assert STAGES[0]["epochs"] == 3
    for override in ("stages.2.epochs=7", "stages.one.epochs=7"):
        with pytest.raises(RecipeError, match=r"no item \w+; there are: 0, 1"):
            staged(override)
    with pytest.raises(RecipeError, match="0 is 3, it has no keys"):
        apply_overrides({"stages": [3]}, ["stages.0.epochs=7"])


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([{"epochs": 3}], "stages=[{'epochs': 3}]: must have 2 or more items"),
        ([{"epochs": 3}, {"epochz": 4}], "stages.1: unknown key epochz; did you mean epochs?"),
        ([{"epochs": 3}, {"optimizer": {"lr": -4}}], "stages.1: optimizer.lr=-4"),
        ([{"epochs": 2}, {}], "stages.0.epochs changes nothing; leave it out"),
        ([{"optimizer": {"name": "sgd"}}, {}], "stages.0.optimizer.name changes nothing"),
        ([{"network": "resnet20"}, {}], "stages.0.network cannot differ between stages"),
        ([{"start": "runs/a"}, {}], "stages.0.start cannot differ"),
        ([{"epochs": 3}, {"epochs": 4}], "epochs does nothing: every stage has its own"),
        (
            [{"optimizer": {"lr": 3}}, {"optimizer": {"lr": 4}, "epochs": 9}],
            "optimizer.lr does nothing",
        ),
        ([3, {}], "stages.0=3"),
    ],
)
def test_bad_stages_are_named(stages: list[Any], message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_recipe({**VALUES, "stages": stages}, "mine")
    assert str(caught.value).startswith(f"mine: {message}")


def test_a_schedule_by_steps() -> None:
    recipe = parse_recipe({**VALUES, "schedule": {"at": [0.5, 0.75], "factor": 0.1}}, "mine")
    assert recipe.schedule == Steps(at=(0.5, 0.75), factor=0.1)
    assert parse_recipe(yaml.safe_load(recipe.to_yaml()), "again") == recipe
    assert "schedule.at.0=1.5" in refused("schedule={at: [1.5], factor: 0.1}")
    assert "schedule.factor is missing" in refused("schedule={at: [0.5]}")
    assert "schedule: at must ascend" in refused("schedule={at: [0.5, 0.5], factor: 0.1}")
    assert "unknown key schedule.facto; did you mean factor?" in refused(
        "schedule={at: [0.5], facto: 0.1}"
    )


def test_a_schedule_with_a_warm_up() -> None:
    recipe = parse_recipe({**VALUES, "schedule": {"warm_up": 0.3, "then": "linear"}}, "mine")
    assert recipe.schedule == WarmUp(warm_up=0.3, then="linear")
    assert parse_recipe(yaml.safe_load(recipe.to_yaml()), "again") == recipe
    assert "schedule.warm_up=1" in refused("schedule={warm_up: 1}")
    assert "schedule.then='steps'" in refused("schedule={warm_up: 0.1, then: steps}")
    assert "unknown key schedule.factor" in refused("schedule={warm_up: 0.1, factor: 0.1}")


def test_cutout_stands_beside_either_crop() -> None:
    for crop in ({"crop_padding": 4}, {"resized_crop": {"area": 0.1}}):
        data = {**VALUES["data"], "augment": {"cutout": 8, **crop}}
        assert parse_recipe({**VALUES, "data": data}, "mine").data.augment.cutout == 8
    both = "crop_padding: 1, resized_crop: {area: 0.1}"
    assert "two ways to crop; keep one" in refused(f"data.augment={{{both}}}")


def test_size_is_short_for_both_sides() -> None:
    changed = apply_overrides(VALUES, ["size=48"])
    assert parse_recipe(changed, "mine").data.input_size == (48, 48)
    assert "data.input_size" in refused("size=many")
    with pytest.raises(RecipeError, match=r"'data\.input_size=\[9, 9\]' undoes 'size=48'"):
        kept(["size=48", "data.input_size=[9, 9]"])


def test_bop_has_an_optimizer_for_the_rest() -> None:
    rest = {"name": "adam", "lr": 0.01, "weight_decay": 0.0}
    values = {"name": "bop", "gamma": 1e-4, "threshold": 1e-8, "rest": rest}
    recipe = parse_recipe({**VALUES, "optimizer": values}, "mine")
    assert isinstance(recipe.optimizer, Bop)
    assert recipe.optimizer.rest == Adam(name="adam", lr=0.01, weight_decay=0.0)
    inner = {**values, "rest": {**values, "name": "bop"}}
    with pytest.raises(RecipeError) as caught:
        parse_recipe({**VALUES, "optimizer": inner}, "mine")
    assert "optimizer.rest.name='bop' is unknown; use one of: sgd, adam" in str(caught.value)
    with pytest.raises(RecipeError, match=r"unknown key optimizer\.rest\.momentum"):
        parse_recipe({**VALUES, "optimizer": {**values, "rest": {**rest, "momentum": 0.9}}}, "mine")


def test_a_teacher_and_its_defaults() -> None:
    recipe = parse_recipe(apply_overrides(VALUES, ["teacher.checkpoint=runs/a"]), "mine")
    assert recipe.teacher == Teacher(checkpoint="runs/a", temperature=1.0, weight=1.0)
    assert "teacher: mean and std go together" in refused("teacher.mean=[0.5]")
    assert "teacher.weight=0" in refused("teacher.weight=0")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["label_smoothing=0.1", "teacher.network=x"], "label_smoothing does nothing where teach"),
        (["optimizer.decay_on=convolutions"], "decay_on: convolutions does nothing where weight_"),
        (["schedule=linear-stepped-first", "epochs=1"], "so that one epoch learns nothing"),
        (["gradients=bfloat16", "precision=bf16"], "gradients: bfloat16 does nothing beside"),
        (["gradients=bfloat16", "compile=true"], "gradients: bfloat16 does nothing beside"),
        (
            ["data.augment.crop_padding=4", "data.augment.resized_crop={area: 0.1, side: 9}"],
            "data.augment: crop_padding and resized_crop are two ways to crop; keep one",
        ),
    ],
)
def test_keys_that_would_do_nothing_are_refused(overrides: list[str], message: str) -> None:
    assert message in refused(*overrides)


def test_smoothing_beside_a_teacher_that_leaves_labels_some_weight() -> None:
    overrides = ["label_smoothing=0.1", "teacher.weight=0.9", "teacher.checkpoint=runs/a"]
    assert parse_recipe(apply_overrides(VALUES, overrides), "mine").label_smoothing == 0.1
