"""The best epoch is kept, training ends where nothing gets better, a broken run goes on alike."""

import json
from pathlib import Path

import pytest
import torch
from tests.training.supervised.test_train import train_until_interrupted
from tests.training.test_session import state

from signbit import recipes
from signbit.data import open_dataset
from signbit.errors import RecipeError
from signbit.training import load_run, train
from signbit.training.recipe import Recipe
from signbit.training.reports.comparison.runs import Contender, compare
from signbit.training.runs.best_epoch import is_finished, kept_epoch
from signbit.training.runs.initial_weights import read_state
from signbit.training.supervised import supervised_task
from signbit.training.supervised.evaluate import Evaluation, evaluate_model


def recipe(*overrides: str) -> Recipe:
    stopping = "early_stopping={held_out: 0.2, patience: 2}"
    short = ["epochs=6", "train_images=200", "batch_size=32", "schedule=constant"]
    return recipes.load("bnn-digits", [*short, stopping, *overrides])


def history(*losses: float) -> list[dict[str, float]]:
    return [{"validation_loss": loss} for loss in losses]


def test_the_first_of_the_least_losses_counts() -> None:
    chosen = recipe()
    for losses, kept, finished in [
        ((3.0,), 1, False),
        ((3.0, 2.0, 2.0), 2, False),
        ((3.0, 2.0, 2.0, 2.5), 2, True),
        ((1.0, 2.0, 3.0), 1, True),
        ((6.0, 5.0, 4.0, 3.0, 2.0, 1.0), 6, True),
    ]:
        assert kept_epoch(history(*losses)) == kept
        assert is_finished(chosen, history(*losses)) is finished
    assert kept_epoch([{"top1": 0.9}, {"top1": 0.1}]) == 2
    plain = recipe("early_stopping=null")
    assert not is_finished(plain, history(1.0, 2.0, 3.0))


@pytest.fixture
def losses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What is measured on the 40 validation images, epoch by epoch, instead of their loss."""
    planned: list[float] = []
    real = supervised_task.count_correct

    def measure(*arguments: object) -> Evaluation:
        measured = real(*arguments)  # type: ignore[arg-type]
        if measured.images != 40:
            return measured
        return Evaluation(measured.top1, measured.images, planned.pop(0))

    monkeypatch.setattr(supervised_task, "count_correct", measure)
    return planned


def test_the_best_epoch_is_the_run_s(
    losses: list[float], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    losses += [3.0, 1.0, 2.0, 2.0]
    result = train(recipe(), None, tmp_path / "run")
    assert (result.epochs, result.kept) == (4, 2)
    assert result.top1 == result.history[1]["top1"]
    assert result.loss == result.history[1]["test_loss"]
    said = capsys.readouterr().err
    assert "epoch 2 is kept, of the least validation loss, stopped after 4 of 6; top-1 on" in said
    run = load_run(tmp_path / "run")
    assert (run.finished, run.epoch, len(run.history)) == (True, 4, 4)
    test = open_dataset("digits", "test")
    measured = evaluate_model(run.model, test, run.preprocessing)
    assert measured.top1 == result.top1
    weights = run.model.state_dict()
    assert all(torch.equal(weights[name], v) for name, v in read_state(run.path).items())
    parts = json.loads((tmp_path / "run/images.json").read_text())
    assert {part: len(images) for part, images in parts.items()} == {
        "training": 160, "test": len(test), "validation": 40,
    }  # fmt: skip
    assert not {*parts["training"]} & {*parts["validation"]}
    again = train(recipe(), None, tmp_path / "run")
    assert (again.resumed_from, again.kept, again.top1) == (4, 2, result.top1)
    assert "4 epochs done, nothing to train" in capsys.readouterr().err
    further = recipe(f"start={tmp_path / 'run'}", "epochs=1", "early_stopping=null")
    assert train(further, None, tmp_path / "further", progress=False).epochs == 1


@pytest.mark.parametrize("broken", [1, 2])
def test_a_broken_run_goes_on_to_the_same_epoch(
    broken: int, losses: list[float], tmp_path: Path
) -> None:
    planned = [2.0, 1.0, 3.0, 2.0]
    losses += planned
    whole = train(recipe(), None, tmp_path / "whole", progress=False)
    losses += planned[:broken]
    train_until_interrupted(recipe(), tmp_path / "broken", broken)
    # As if killed between the best epoch's weights and its checkpoint.
    best = tmp_path / "broken/best" / f"epoch-{broken + 1:04d}"
    best.mkdir()
    (best / "state.json").write_text("{}")
    losses[:] = planned[broken:]
    result = train(recipe(), None, tmp_path / "broken", progress=False)
    assert (result.resumed_from, result.kept) == (broken, whole.kept)
    assert state(tmp_path / "broken") == state(tmp_path / "whole")
    models = [load_run(tmp_path / name).model.state_dict() for name in ("whole", "broken")]
    assert all(torch.equal(value, models[1][name]) for name, value in models[0].items())


def test_test_images_choose_nothing(losses: list[float], tmp_path: Path) -> None:
    """With and without, the same epochs are trained on the same images."""
    losses += [1.0] * 3
    train(recipe(), None, tmp_path / "run", progress=False)
    assert load_run(tmp_path / "run").epoch == 3


def test_it_does_nothing_where_it_cannot(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="early_stopping does nothing: labels are not learned"):
        recipes.load("moco-digits", ["early_stopping={held_out: 0.2, patience: 2}"])
    with pytest.raises(RecipeError, match=r"unknown key early_stopping\.wait"):
        recipe("early_stopping.wait=2")
    with pytest.raises(RecipeError, match=r"early_stopping\.held_out=1"):
        recipe("early_stopping.held_out=1")
    chosen = [Contender.parse("bnn")]
    with pytest.raises(RecipeError, match="add early_stopping=null"):
        compare(chosen, recipe(), [0], tmp_path, say=print, after_each=lambda: None)
