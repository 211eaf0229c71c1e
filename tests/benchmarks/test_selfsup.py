from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from selfsup import ADAM_RATES, ARMS, SGD_RATES, Bench, Job, choose, history, rows
from signbit import recipes
from signbit.training.recipe import Recipe
from signbit.training.recipe.parsing import single_runs
from signbit.training.recipe.sections import Bop

ON_THE_SHELF = {
    recipe: recipe.replace("cifar10", "resnet20-cifar10") for recipe, *_ in ARMS.values()
}
GUIDED = {recipe for recipe in ON_THE_SHELF if "guided" in recipe}


@pytest.fixture
def bench() -> Bench:
    return Bench("images", Path("runs"), epochs=4, images=40_000, slots=1, gradients="float32")


def recipe_of(job: Job) -> Recipe:
    """What the job trains; its words are overrides that exist, or this raises."""
    return recipes.load(job.recipe, job.words)


def rate_of(recipe: Recipe) -> float:
    assert not isinstance(recipe.optimizer, Bop)
    return recipe.optimizer.lr


@pytest.mark.parametrize("recipe", ON_THE_SHELF)
def test_every_arm_sees_as_many_images(bench: Bench, recipe: str) -> None:
    stages = single_runs(recipe_of(bench.arm(recipe, 1e-3, 0)))
    assert len(stages) == (1 if "baseline" in recipe else 2)
    seen = [stage.epochs * (stage.train_images or 0) for stage in stages]
    assert sum(seen) == 160_000
    assert {stage.batch_size for stage in stages} == {256}


@pytest.mark.parametrize("recipe", ON_THE_SHELF)
def test_the_guided_arms_have_one_teacher_and_the_others_none(bench: Bench, recipe: str) -> None:
    section = recipe_of(bench.arm(recipe, 1e-3, 0)).selfsup
    assert section is not None
    if recipe not in GUIDED:
        assert section.guided is None
        return
    teacher = bench.teacher(12)
    assert section.guided is not None
    assert section.guided.teacher == str(teacher.folder)
    assert section.guided.network == recipe_of(teacher).network == "resnet20"
    learned = recipe_of(teacher).selfsup
    assert learned is not None
    assert section.head == learned.head


def test_the_grid_is_the_same_for_all_arms_of_an_optimizer(bench: Bench) -> None:
    for recipe, rates, _ in ARMS.values():
        assert rates == (SGD_RATES if "baseline" in recipe else ADAM_RATES)
        for rate in rates:
            trained = recipe_of(bench.arm(recipe, rate, 2))
            assert trained.optimizer.name == ("sgd" if "baseline" in recipe else "adam")
            assert (rate_of(trained), trained.seed) == (rate, 2)
    jobs = [bench.arm(recipe, rate, 0) for recipe, rates, _ in ARMS.values() for rate in rates]
    assert len({job.folder for job in jobs}) == len(jobs)


@pytest.mark.parametrize("recipe", ON_THE_SHELF)
def test_an_arm_is_a_recipe_of_the_shelf(bench: Bench, recipe: str) -> None:
    rate = rate_of(recipes.load(ON_THE_SHELF[recipe]))
    assert rate in (SGD_RATES if "baseline" in recipe else ADAM_RATES)
    arm = recipe_of(bench.arm(recipe, rate, 0))
    changes = ["selfsup.knn_every=1000"]  # a measure alone
    if recipe in GUIDED:
        changes += [f"selfsup.guided.teacher={bench.teacher(12).folder}"]
    assert same(arm, recipes.load(ON_THE_SHELF[recipe], changes))


def test_the_teacher_is_a_recipe_of_the_shelf(bench: Bench) -> None:
    shelf = recipes.load("moco-resnet20-cifar10", ["selfsup.knn_every=4"])
    assert same(recipe_of(bench.teacher(12)), shelf)


def same(one: Recipe, other: Recipe) -> bool:
    """But for what they are called."""
    return one.model_copy(update={"description": other.description}) == other


def test_random_weights_do_not_move_and_are_random(bench: Bench) -> None:
    recipe = recipe_of(bench.untrained())
    assert rate_of(recipe) <= 1e-30
    assert recipe.method.params["initial_weights"] == "kaiming"
    assert (recipe.epochs, recipe.train_images) == (1, 16384)


def test_the_ceiling_learns_labels_for_as_long(bench: Bench) -> None:
    recipe = recipe_of(bench.ceiling())
    assert recipe.selfsup is None
    assert (recipe.epochs, recipe.train_images) == (4, 40_000)
    student = recipe_of(bench.arm("s2bnn-baseline-cifar10", 1e-3, 0))
    assert (recipe.network, recipe.method) == (student.network, student.method)


def test_the_rate_is_chosen_on_training_images() -> None:
    arm = "d: guided only"
    grid: dict[tuple[str, float], dict[str, Any]] = {
        (arm, rate): {"held_out": held_out, "top1": top1}
        for rate, held_out, top1 in zip(ADAM_RATES, (0.3, 0.5, 0.4), (0.9, 0.1, 0.2), strict=True)
    }
    assert choose(arm, grid) == ADAM_RATES[1]


def test_the_table_has_the_mean_and_each_seed() -> None:
    found = {"real teacher": [{"top1": 0.6}], "d: guided only": [{"top1": 0.5}, {"top1": 0.52}]}
    assert rows(found, {"d: guided only": 3e-4}) == [
        ["real teacher", "60.00 %", "", ""],
        ["d: guided only", "51.00 %", "50.00, 52.00", "0.0003"],
    ]


def test_history_joins_stages_and_leaves_signs_out(tmp_path: Path) -> None:
    for folder, losses in (("stage-1", [3.0, 2.0]), (".", [1.0])):
        (tmp_path / folder).mkdir(exist_ok=True)
        lines = [
            {"epoch": epoch, "train_loss": loss, "flips/a": 0.1, "weights/a/mean": 0.5}
            for epoch, loss in enumerate(losses, 1)
        ]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (tmp_path / folder / "metrics.jsonl").write_text(text)
    assert history(tmp_path) == [
        {"epoch": 1, "train_loss": 3.0},
        {"epoch": 2, "train_loss": 2.0},
        {"epoch": 1, "train_loss": 1.0},
    ]
