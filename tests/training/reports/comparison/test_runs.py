"""Comparisons of a second or two on the digits."""

import json
from pathlib import Path

import pytest
import torch
from tests.training.test_session import state

from signbit import recipes
from signbit.errors import CheckpointError, RecipeError
from signbit.training.loop import DivergedError
from signbit.training.recipe import Recipe
from signbit.training.reports.comparison.runs import (
    Contender,
    compare,
    finished_runs,
    require_one_protocol,
)
from signbit.training.supervised.train import train


def protocol(*overrides: str) -> Recipe:
    short = ["epochs=2", "train_images=64", "batch_size=32"]
    return recipes.load("bnn-digits", [*short, *overrides])


def run(out: Path, *names: str, seeds: int = 1, recipe: Recipe | None = None) -> list[str]:
    """Compare; what was said."""
    said: list[str] = []
    contenders = [Contender.parse(name) for name in names]
    diverged = compare(
        contenders,
        recipe or protocol(),
        range(seeds),
        out,
        say=said.append,
        after_each=lambda: None,
    )
    return [*said, *diverged]


def test_contenders_are_methods_with_parameters() -> None:
    assert Contender.parse("bnn").method.params == {}
    contender = Contender.parse("sdbnn:asd=false,t_min=1e-2,initial_weights=fan-out")
    assert contender.method.params == {"asd": False, "t_min": 0.01, "initial_weights": "fan-out"}
    assert contender.label == "sdbnn:asd=false,t_min=0.01,initial_weights=fan-out"
    assert contender == Contender.parse(contender.label)
    folder = contender.folder(Path("out"), 3)
    assert folder == Path("out/sdbnn_asd-false_t_min-0.01_initial_weights-fan-out/seed-3")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sdbn", "unknown method 'sdbn'; choose one of .*sdbnn"),
        ("bnn:depth=3", "method 'bnn' has no parameter 'depth'; choose among binarize"),
        ("sdbnn:reduction=0", "reduction must be an integer >= 1"),
        ("sdbnn:reduction", "write key=value"),
        ("sdbnn:reduction=[1", r"not valid YAML \(line 1: expected"),
        ("sdbnn:reduction.low=1", "write METHOD, or METHOD:KEY=VALUE,KEY=VALUE"),
    ],
)
def test_mistakes_in_a_contender_are_named(text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        Contender.parse(text)


def test_every_method_and_seed_is_a_run_of_the_protocol(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    said = run(tmp_path, "bnn", "sdbnn:asd=false", "bnn", seeds=2)
    assert said == [
        "bnn, seed 0 (1 of 4)",
        "bnn, seed 1 (2 of 4)",
        "sdbnn:asd=false, seed 0 (3 of 4)",
        "sdbnn:asd=false, seed 1 (4 of 4)",
    ]
    runs = finished_runs(tmp_path)
    assert [(run.label, run.recipe.seed) for run in runs] == [
        ("bnn", 0), ("bnn", 1), ("sdbnn:asd=false", 0), ("sdbnn:asd=false", 1),
    ]  # fmt: skip
    assert all(len(run.history) == 2 for run in runs)
    assert runs[0].recipe.optimizer == runs[2].recipe.optimizer
    # The same as when it is trained alone.
    train(protocol("seed=1"), None, tmp_path / "alone", progress=False)
    assert state(tmp_path / "alone") == state(tmp_path / "bnn/seed-1")


def test_what_is_there_is_not_trained_again_and_more_can_be_added(tmp_path: Path) -> None:
    run(tmp_path, "bnn")
    before = state(tmp_path / "bnn/seed-0"), (tmp_path / "bnn/seed-0/run.json").stat().st_mtime_ns
    run(tmp_path, "bireal", "bnn", seeds=2)
    assert len(finished_runs(tmp_path)) == 4
    after = state(tmp_path / "bnn/seed-0"), (tmp_path / "bnn/seed-0/run.json").stat().st_mtime_ns
    assert after == before


def test_another_protocol_or_other_images_are_refused(tmp_path: Path) -> None:
    run(tmp_path, "bnn")
    with pytest.raises(CheckpointError, match=r"another protocol \(epochs is 2 there and 3 now\)"):
        run(tmp_path, "sdbnn", recipe=protocol("epochs=3"))
    with pytest.raises(CheckpointError, match=r"another protocol \(optimizer\.lr is 0\.01 there"):
        run(tmp_path, "sdbnn", recipe=protocol("optimizer.lr=0.02"))
    require_one_protocol(tmp_path, protocol("seed=7", "method={name: sdbnn}", "data.workers=1"))
    run(tmp_path, "bireal")
    facts = tmp_path / "bireal/seed-0/run.json"
    values = json.loads(facts.read_text())
    facts.write_text(json.dumps({**values, "train_digest": "other"}))
    with pytest.raises(CheckpointError, match=r"seed-0: trained on other images than its neigh"):
        run(tmp_path, "sdbnn")


def test_a_stop_loses_no_finished_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(recipe: Recipe, data: None, out: Path) -> None:
        if recipe.method.name == "sdbnn":
            raise KeyboardInterrupt
        train(recipe, data, out, progress=False)

    with monkeypatch.context() as patch:
        patch.setattr("signbit.training.reports.comparison.runs.train", stop)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, "bnn", "sdbnn")
    assert [run.label for run in finished_runs(tmp_path)] == ["bnn"]
    run(tmp_path, "bnn", "sdbnn")
    assert [run.label for run in finished_runs(tmp_path)] == ["bnn", "sdbnn"]


def test_a_method_that_diverges_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(recipe: Recipe, data: None, out: Path) -> None:
        if recipe.method.name == "bnn":
            raise DivergedError("training diverged: the loss of epoch 1 is nan")
        train(recipe, data, out, progress=False)

    monkeypatch.setattr("signbit.training.reports.comparison.runs.train", explode)
    said = run(tmp_path, "bnn", "bireal")
    assert said[-1] == "bnn, seed 0: training diverged: the loss of epoch 1 is nan"
    assert [run.label for run in finished_runs(tmp_path)] == ["bireal"]


def test_protocols_and_networks_that_cannot_be_shared(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="a protocol of several stages cannot be shared"):
        run(tmp_path, "bnn", recipe=protocol("stages=[{epochs: 3}, {}]"))
    with pytest.raises(RecipeError, match=r"unknown model 'resnet21'; choose one of"):
        run(tmp_path, "bnn", recipe=protocol("network=resnet21"))
    # A method that does not fit is found before the first is trained.
    with pytest.raises(RecipeError, match="its method is 'real', not 'bnn'"):
        run(tmp_path, "real", "bnn", recipe=protocol("network=real-resnet20"))
    assert not list(tmp_path.iterdir())
