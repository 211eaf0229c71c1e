from typing import Any

import pytest
import yaml

from signbit.errors import RecipeError
from signbit.training.recipe.parsing import apply_overrides, kept, parse_recipe
from signbit.training.recipe.sections import Adam, Sgd

VALUES: dict[str, Any] = {
    "description": "a test",
    "network": "digits",
    "method": {"name": "sdbnn", "params": {"reduction": 4}},
    "data": {"source": "digits", "mean": [0.5], "std": [0.5]},
    "epochs": 2,
    "batch_size": 8,
    "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 0.0},
    "schedule": "cosine",
}


def refused(*overrides: str) -> str:
    """The message that a recipe with `overrides` is refused with."""
    with pytest.raises(RecipeError) as caught:
        parse_recipe(apply_overrides(VALUES, overrides), "mine")
    return str(caught.value)


def test_values_arrive_with_their_types_and_defaults() -> None:
    recipe = parse_recipe(VALUES, "mine")
    assert recipe.optimizer == Sgd(name="sgd", lr=0.1, momentum=0.9, weight_decay=0.0)
    assert recipe.data.mean == (0.5,)
    assert (recipe.data.augment.flip, recipe.data.augment.crop_padding) == (False, 0)
    assert (recipe.seed, recipe.train_images, recipe.data.workers) == (0, None, None)


def test_yaml_round_trip() -> None:
    recipe = parse_recipe(VALUES, "mine")
    assert parse_recipe(yaml.safe_load(recipe.to_yaml()), "again") == recipe


def test_overrides_are_read_as_yaml_at_any_depth() -> None:
    overrides = [
        "epochs=12",
        "optimizer.lr=5e-2",
        "data.augment.flip=true",
        "data.mean=[0.1, 0.2, 0.3]",
        "data.std=[1, 1, 1]",
        "method.params.initial_weights=fan-out",
    ]
    recipe = parse_recipe(apply_overrides(VALUES, overrides), "mine")
    assert recipe.epochs == 12
    assert recipe.optimizer.lr == 0.05
    assert recipe.data.augment.flip is True
    assert recipe.data.mean == (0.1, 0.2, 0.3)
    assert recipe.method.params == {"reduction": 4, "initial_weights": "fan-out"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("epochs=3", "epochs=4"),
        ("optimizer.lr=0.1", "optimizer={name: adam, lr: 0.2, weight_decay: 0}"),
    ],
)
def test_an_override_that_undoes_another_is_refused(first: str, second: str) -> None:
    with pytest.raises(RecipeError) as caught:
        kept([first, "seed=1", second])
    assert str(caught.value) == f"override {second!r} undoes {first!r}; keep one of them"
    assert kept([first, first, "seed=1"]) == [first, "seed=1"]


def test_overrides_leave_what_they_were_given_alone() -> None:
    apply_overrides(VALUES, ["optimizer.lr=9"])
    assert VALUES["optimizer"]["lr"] == 0.1


def test_the_optimizers_name_decides_what_it_takes() -> None:
    adam = {**VALUES, "optimizer": {"name": "adam", "lr": 0.1, "weight_decay": 0.0}}
    assert parse_recipe(adam, "mine").optimizer == Adam(name="adam", lr=0.1, weight_decay=0.0)
    assert "optimizer.momentum" in refused("optimizer.name=adam")
    assert "optimizer" in refused("optimizer.name=lion")


@pytest.mark.parametrize(
    ("override", "where", "nearest"),
    [
        ("epoch=3", "unknown key epoch;", "epochs"),
        ("optimizer.lrr=3", "unknown key optimizer.lrr;", "lr"),
        ("data.augment.flipp=true", "unknown key data.augment.flipp;", "flip"),
        ("lr=3", "unknown key lr;", "did you mean optimizer.lr?"),
        ("flip=true", "unknown key flip;", "data.augment.flip"),
        ("threshold=1", "unknown key threshold;", "did you mean optimizer.threshold?"),
        ("temperature=4", "unknown key temperature;", "did you mean teacher.temperature or"),
        ("teacher.temprature=4", "unknown key teacher.temprature;", "temperature"),
        ("method.parms=3", "unknown key method.parms;", "params"),
        ("data.zzz=3", "unknown key data.zzz; there are:", "interpolation"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest(override: str, where: str, nearest: str) -> None:
    message = refused(override)
    assert message.startswith(f"mine: {where}")
    assert nearest in message.split(";")[1]


@pytest.mark.parametrize(
    ("override", "where"),
    [
        ("epochs=0", "epochs=0: input should be greater than 0"),
        ("epochs=many", "epochs='many'"),
        ("data.mean=0.5", "data.mean=0.5: must be a list, such as [0.5]"),
        ("data.augment=2", "data.augment=2: has keys of its own; set data.augment.KEY=VALUE"),
        ("optimizer=2", "optimizer=2: has keys of its own; set optimizer.KEY=VALUE"),
        (
            "schedule=step",
            "schedule='step': input should be 'cosine', 'linear', 'linear-stepped-first' or "
            "'constant'",
        ),
        ("optimizer.lr=-1", "optimizer.lr=-1"),
        ("data.std=[0]", "data.std.0=0"),
        ("data.mean=[0.1, 0.2, 0.3]", "data: mean has 3 values, std 1"),
        ("batch_size=1", "batch_size=1"),
        ("label_smoothing=1", "label_smoothing=1"),
        ("precision=int8", "precision='int8': input should be 'fp32', 'bf16' or 'fp16'"),
        ("compile=3", "compile=3"),
        ("method.latent_limit=true", "method.latent_limit=True: a number > 0 is needed, or fal"),
        ("method.latent_limit=0", "method.latent_limit=0: a number > 0 is needed, or false for"),
        ("method.latent_limit=low", "method.latent_limit='low': a number > 0 is needed"),
        ("train_images=0", "train_images=0"),
        ("data.workers=-1", "data.workers=-1"),
        ("optimizer.lr=.inf", "optimizer.lr=inf: input should be a finite number"),
        ("optimizer.lr=nan", "optimizer.lr='nan': input should be a finite number"),
        ("optimizer.weight_decay=.inf", "optimizer.weight_decay=inf"),
        ("optimizer.momentum=.nan", "optimizer.momentum=nan"),
        ("data.mean=[.nan]", "data.mean.0=nan"),
        ("data.std=[.inf]", "data.std.0=inf"),
        ("epochs=true", "epochs=True: a number is needed, not true or false"),
        ("optimizer.lr=true", "optimizer.lr=True: a number is needed"),
        ("optimizer.name=adm", "optimizer.name='adm' is unknown; use one of: sgd, adam, bop"),
        ("optimizer={lr: 1}", "optimizer.name is missing; use one of: sgd, adam, bop"),
    ],
)
def test_a_bad_value_is_named(override: str, where: str) -> None:
    assert where in refused(override)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.std=[0]", "data.std.0=0: input should be greater than 0"),
        ("data.mean=[1, 1, 1, 1]", "data.mean=[1, 1, 1, 1]: must have 3 or fewer items, has 4"),
        ("stages=[{epochs: 3}]", "stages=[{'epochs': 3}]: must have 2 or more items, has 1"),
        ("stages=3", "stages=3: must be a list, such as [{epochs: 30}, {epochs: 10}]"),
        ("method.params.a=[1]", "method.params.a=[1]: must be a number, text, true or false"),
        ("method.params=3", "method.params=3: must be keys with values, such as {KEY: VALUE}"),
        (
            "method.latent_limit=[1]",
            "method.latent_limit=[1]: a number > 0 is needed, or false for ",
        ),
        ("epochs=2.5", "epochs=2.5: must be a whole number"),
        ("compile=maybe", "compile='maybe': must be true or false"),
    ],
)
def test_a_value_of_a_wrong_kind_is_told_of_once(override: str, message: str) -> None:
    told = refused(override)
    assert told.startswith(f"mine: {message}")
    assert told.count("data.") <= 1
    assert "tuple" not in told


def test_every_mistake_is_listed() -> None:
    message = refused("epochs=0", "sede=1")
    assert "epochs=0" in message
    assert "sede" in message


def test_a_missing_key_is_named() -> None:
    values = {key: value for key, value in VALUES.items() if key != "schedule"}
    with pytest.raises(RecipeError, match="mine: schedule is missing"):
        parse_recipe(values, "mine")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("epochs", "write key=value"),
        ("=3", "write key=value"),
        ("optimizer..lr=3", "write key=value"),
        ("epochs.lr=3", "epochs is 2, it has no keys"),
        ("data.mean=[1", "not valid YAML"),
    ],
)
def test_a_malformed_override_is_quoted(override: str, message: str) -> None:
    text = refused(override)
    assert repr(override) in text
    assert message in text


@pytest.mark.parametrize("values", [None, "text", [1, 2]])
def test_what_is_no_mapping_is_refused(values: object) -> None:
    with pytest.raises(RecipeError, match="a recipe is a mapping"):
        parse_recipe(values, "mine")
