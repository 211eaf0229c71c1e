from __future__ import annotations

from pathlib import Path

import pytest

from signbit import recipes
from signbit.errors import CheckpointError
from signbit.training import load_run, train
from signbit.training.recipe import Recipe
from signbit.training.runs.continuation import require_continues

SHORT = ("train_images=64", "batch_size=32", "optimizer.lr=0.01")
HALVED = "schedule={at: [0.5], factor: 0.1}"


def recipe(*overrides: str, name: str = "bnn-digits") -> Recipe:
    return recipes.load(name, [*SHORT, *overrides])


@pytest.mark.parametrize(
    ("changes", "done", "epochs"),
    [
        (("schedule=constant", "epochs=12"), 12, 14),
        (("schedule=constant", "epochs=12"), 5, 8),
        ((HALVED, "epochs=12"), 6, 14),
        ((HALVED, "epochs=12"), 3, 6),
        (("schedule=cosine", "epochs=12"), 0, 14),
    ],
)
def test_epochs_may_change_where_those_done_stay(
    changes: tuple[str, ...], done: int, epochs: int
) -> None:
    stored = recipe(*changes)
    require_continues(Path("r"), stored, stored.model_copy(update={"epochs": epochs}), done)


@pytest.mark.parametrize(
    ("changes", "done", "epochs", "words"),
    [
        (("schedule=cosine",), 12, 14, "ended at a rate of 0.*another run.*--out FOLDER start=r"),
        (("schedule=linear",), 12, 14, "its linear schedule has ended"),
        (("schedule=cosine",), 5, 14, "gave the 5 that are done other rates; go on with epochs=12"),
        (("schedule={warm_up: 0.1}",), 5, 14, "its schedule's warm-up is a share of all epochs"),
        (("schedule=constant",), 12, 8, "12 are done already; go on with epochs=12"),
        ((HALVED,), 7, 14, "lowers the rate at shares of all epochs"),
        ((HALVED,), 5, 8, "lowers the rate at shares of all epochs"),
        (("schedule=constant", "method={name: irnet}"), 5, 14, "estimators change"),
        (("schedule=constant", "seed=1"), 5, 14, r"another recipe \(epochs is 12 .*; seed is 1"),
    ],
)
def test_else_the_reason_and_what_helps(
    changes: tuple[str, ...], done: int, epochs: int, words: str
) -> None:
    stored = recipe("epochs=12", *changes)
    asked = stored.model_copy(update={"epochs": epochs, "seed": 0})
    with pytest.raises(CheckpointError, match=words):
        require_continues(Path("r"), stored, asked, done)


def weights(path: Path) -> list[bytes]:
    return [value.numpy().tobytes() for value in load_run(path).model.state_dict().values()]


def test_a_longer_run_is_the_one_that_was_long_from_the_start(tmp_path: Path) -> None:
    for epochs in (1, 2, 4):
        train(recipe("schedule=constant", f"epochs={epochs}"), None, tmp_path / "a", progress=False)
        run = load_run(tmp_path / "a")
        assert (run.epoch, run.recipe.epochs, run.finished) == (epochs, epochs, True)
    train(recipe("schedule=constant", "epochs=4"), None, tmp_path / "b", progress=False)
    assert weights(tmp_path / "a") == weights(tmp_path / "b")


def test_a_run_may_end_where_it_is(tmp_path: Path) -> None:
    train(recipe("schedule=constant", "epochs=2"), None, tmp_path, progress=False)
    train(recipe("schedule=constant", "epochs=3"), None, tmp_path, progress=False)
    (tmp_path / "checkpoints/epoch-0003/state.json").rename(tmp_path / "gone")
    (tmp_path / "checkpoints/epoch-0003/state.safetensors").unlink()
    (tmp_path / "checkpoints/epoch-0003").rmdir()
    result = train(recipe("schedule=constant", "epochs=2"), None, tmp_path, progress=False)
    assert (result.epochs, result.resumed_from) == (2, 2)
    assert load_run(tmp_path).finished


def test_a_stage_keeps_its_epochs_once_the_next_one_has_begun(tmp_path: Path) -> None:
    def staged(first: int, second: int) -> Recipe:
        stages = f"stages=[{{seed: 1, epochs: {first}}}, {{seed: 2}}]"
        return recipe("schedule=constant", f"epochs={second}", stages)

    train(staged(1, 2), None, tmp_path, progress=False)
    assert train(staged(1, 3), None, tmp_path, progress=False).epochs == 3
    with pytest.raises(CheckpointError, match=r"stage-1: the stage after it has begun.*stay 1"):
        train(staged(2, 3), None, tmp_path, progress=False)
