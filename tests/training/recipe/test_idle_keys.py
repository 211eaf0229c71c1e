from pathlib import Path

import pytest

from signbit import recipes
from signbit.errors import RecipeError
from signbit.training import train
from signbit.training.recipe.idle_keys import require_effect
from signbit.training.recipe.parsing import single_runs


def check(name: str, *overrides: str) -> None:
    require_effect(single_runs(recipes.load(name, list(overrides))))


def refused(name: str, *overrides: str) -> str:
    with pytest.raises(RecipeError) as caught:
        check(name, *overrides)
    return str(caught.value)


@pytest.mark.parametrize("name", recipes.names())
def test_no_recipe_has_idle_keys(name: str) -> None:
    check(name)


def test_idle_parameters_are_named_with_what_takes_their_effect() -> None:
    assert refused("sdbnn-digits", "method.params.asd=false", "method.params.reduction=8") == (
        "method.params.reduction=8 does nothing where asd=False; leave one or the other out"
    )
    assert refused("real-resnet20-cifar10", "method.params.binarize=weights") == (
        "method.params.binarize='weights' does nothing to the method 'real'; leave it out"
    )
    assert "t_min=0.1 does nothing where binarize='activations'" in refused(
        "adabin-resnet20-cifar10", "method.params.t_min=0.1", "method.params.binarize=activations"
    )


def test_a_default_says_what_is_so_anyway() -> None:
    check("sdbnn-digits", "method.params.asd=false")  # beside the recipe's reduction of 16


def test_a_limit_needs_latent_weights() -> None:
    check("bnn-digits", "method.latent_limit=0.5")
    message = refused("bnn-digits", "method.latent_limit=0.5", "method.params.binarize=activations")
    assert message == ("method.latent_limit=0.5 does nothing where weights stay real; leave it out")


def test_bop_has_no_latent_weights() -> None:
    bop = "bnn-bop-vgg-small-cifar10"
    message = refused(bop, "method.latent_limit=0.5")
    assert message.startswith("method.latent_limit=0.5 does nothing beside Bop")


def test_a_teacher_s_method_is_looked_at_too() -> None:
    teacher = "teacher={checkpoint: x, network: digits, method: {name: sdbnn, %s}}"
    check("sdbnn-digits", teacher % "params: {reduction: 8}")
    assert refused("sdbnn-digits", teacher % "params: {reduction: 8, asd: false}").startswith(
        "teacher.method.params.reduction=8 does nothing where asd=False"
    )
    message = refused("sdbnn-digits", teacher % "latent_limit: 1.0")
    assert "teacher.method.latent_limit=1.0 does nothing to a teacher" in message


def test_what_stages_share_needs_to_work_in_one() -> None:
    stages = "adabin-resnet18-imagenet-two-stage"
    check(stages, "method.params.t_min=0.1", "method.latent_limit=1.0")
    assert "method.params.t_min=0.1 does nothing where binarize='activations'" in refused(
        stages, "stages.0.method.params.t_min=0.1"
    )
    check(stages, "stages.1.method.params.t_min=0.1")
    assert "method.latent_limit=1.0 does nothing" in refused(
        stages, "stages.0.method.latent_limit=1.0"
    )


def test_later_stages_are_built_before_the_first_one_trains(tmp_path: Path) -> None:
    recipe = recipes.load("bnn-digits", ["stages=[{epochs: 1}, {method: {params: {x: 1}}}]"])
    with pytest.raises(RecipeError, match="method 'bnn' has no parameter 'x'"):
        train(recipe, None, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
