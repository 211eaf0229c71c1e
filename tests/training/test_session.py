"""Whatever a recipe asks for: a broken run goes on to the bytes of an unbroken one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tests.training.supervised.test_train import train_until_interrupted

from signbit import recipes
from signbit.errors import CheckpointError, RecipeError
from signbit.training import load_run, train
from signbit.training.precision import Precision
from signbit.training.recipe import Recipe
from signbit.training.runs.folder import RunFolder

SHORT = ["epochs=3", "train_images=160", "batch_size=32"]
BOP = "optimizer={name: bop, gamma: 0.05, threshold: 1e-4, rest: {name: adam, lr: 0.01, weight_decay: 0.0}}"  # noqa: E501


def recipe_with(*overrides: str, name: str = "bnn-digits") -> Recipe:
    return recipes.load(name, [*SHORT, *overrides])


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the digits."""
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("teacher") / "run"
    train(recipe_with(name="sdbnn-digits"), None, path, progress=False)
    return path


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with none of the options."""
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("plain") / "run"
    train(recipe_with(), None, path, progress=False)
    return path


def state(folder: Path) -> tuple[bytes, dict[str, Any]]:
    """The newest checkpoint's tensors, and its facts but for times."""
    path = max((folder / "checkpoints").iterdir())
    facts = json.loads((path / "state.json").read_text())
    for entry in facts["history"]:
        for key in ("seconds", "images_per_second", "wait"):
            del entry[key]
    return (path / "state.safetensors").read_bytes(), facts


@pytest.mark.slow
@pytest.mark.parametrize(
    "overrides",
    [
        ["label_smoothing=0.1"],
        [BOP],
        ["schedule={at: [0.4, 0.7], factor: 0.1}"],
        ["optimizer.weight_decay=1e-3", "optimizer.decay_on=convolutions"],
        ["precision=bf16"],
        ["precision=fp16"],
        ["data.augment.crop_padding=0", "data.augment.resized_crop={area: 0.3, side: 12}"],
    ],
    ids=lambda overrides: overrides[-1].partition("=")[2][:12],
)
def test_a_broken_run_goes_on_to_the_same_bytes(
    overrides: list[str], plain: Path, tmp_path: Path
) -> None:
    recipe = recipe_with(*overrides)
    train(recipe, None, tmp_path / "whole", progress=False)
    train_until_interrupted(recipe, tmp_path / "broken", 1)
    assert train(recipe, None, tmp_path / "broken", progress=False).resumed_from == 1
    assert state(tmp_path / "broken") == state(tmp_path / "whole")
    # The key does something.
    assert state(plain)[0] != state(tmp_path / "whole")[0]


def test_fp16_goes_on_with_the_scale_that_it_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Impatient(Precision):
        """Its scale doubles every third step."""

        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self.scaler.set_growth_interval(3)

    monkeypatch.setattr("signbit.training.session.Precision", Impatient)
    recipe = recipe_with("precision=fp16")
    train(recipe, None, tmp_path / "whole", progress=False)
    train_until_interrupted(recipe, tmp_path / "broken", 1)
    train(recipe, None, tmp_path / "broken", progress=False)
    assert state(tmp_path / "broken") == state(tmp_path / "whole")
    _, facts = state(tmp_path / "whole")
    assert facts["scaler"]["scale"] > 2**17
    assert facts["scaler"]["growth_interval"] == 3


def test_a_teacher_is_learned_from_and_a_broken_run_goes_on(teacher: Path, tmp_path: Path) -> None:
    recipe = recipe_with(f"teacher={{checkpoint: {teacher}, temperature: 4.0, weight: 0.7}}")
    train(recipe, None, tmp_path / "whole", progress=False)
    train_until_interrupted(recipe, tmp_path / "broken", 1)
    train(recipe, None, tmp_path / "broken", progress=False)
    assert state(tmp_path / "broken") == state(tmp_path / "whole")
    # Afterwards nobody needs it: its place is no part of the run.
    elsewhere = recipe.model_copy(
        update={"teacher": recipe.teacher.model_copy(update={"checkpoint": "gone"})}  # type: ignore[union-attr]
    )
    assert train(elsewhere, None, tmp_path / "whole", progress=False).resumed_from == 3
    assert load_run(tmp_path / "whole").finished


def test_another_teacher_is_refused(teacher: Path, tmp_path: Path) -> None:
    recipe = recipe_with(f"teacher.checkpoint={teacher}")
    train_until_interrupted(recipe, tmp_path / "run", 1)
    train(recipe_with(name="bnn-digits"), None, tmp_path / "other", progress=False)
    changed = recipe_with(f"teacher.checkpoint={tmp_path / 'other'}")
    with pytest.raises(CheckpointError, match=r"another teacher .* \(teacher_digest differs\)"):
        train(changed, None, tmp_path / "run", progress=False)
    with pytest.raises(CheckpointError, match=r"teacher\.weight is 1\.0 there and 0\.5 now"):
        train(
            recipe_with(f"teacher={{checkpoint: {teacher}, weight: 0.5}}"),
            None,
            tmp_path / "run",
            progress=False,
        )


def test_a_recipe_that_needs_a_teacher_says_so_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"teacher\.checkpoint is missing: name the run folder"):
        train(recipe_with("teacher.temperature=2"), None, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_start_begins_with_other_weights(teacher: Path, tmp_path: Path) -> None:
    recipe = recipe_with(f"start={teacher}", "epochs=1", name="sdbnn-digits")
    assert train(recipe, None, tmp_path / "run", progress=False).top1 > 0.6
    assert RunFolder(tmp_path / "run").facts()["start_digest"]
    with pytest.raises(CheckpointError, match="start is weights there and absent now"):
        train(recipe_with("epochs=1", name="sdbnn-digits"), None, tmp_path / "run", progress=False)
    gray = ["network=resnet20", "data.mean=[0.5, 0.5, 0.5]", "data.std=[0.5, 0.5, 0.5]"]
    with pytest.raises(CheckpointError) as caught:
        train(recipe_with(f"start={teacher}", *gray), None, tmp_path / "wrong", progress=False)
    assert str(caught.value) == (
        f"start {teacher} does not fit: stem.0.weight is 32×1×3×3 there and 16×3×3×3 in this "
        "network; it is of network=digits method.name=sdbnn, this run of resnet20 and bnn"
    )
    assert not (tmp_path / "wrong").exists()


def staged(*overrides: str) -> Recipe:
    """Activations alone for two epochs, then both."""
    stages = "stages=[{epochs: 2, method: {params: {binarize: activations}}}, {seed: 3}]"
    return recipe_with(stages, *overrides, name="sdbnn-digits")


def test_stages_are_runs_one_after_the_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = train(staged(), None, tmp_path / "staged")
    said = capsys.readouterr().err
    assert said.index("staged/stage-1: stage 1 of 2") < said.index("staged: stage 2 of 2")
    assert (result.path, result.epochs) == (tmp_path / "staged", 3)
    first = recipe_with("epochs=2", "method.params.binarize=activations", name="sdbnn-digits")
    train(first, None, tmp_path / "first", progress=False)
    second = recipe_with("seed=3", f"start={tmp_path / 'first'}", name="sdbnn-digits")
    train(second, None, tmp_path / "second", progress=False)
    assert state(tmp_path / "staged/stage-1") == state(tmp_path / "first")
    assert state(tmp_path / "staged") == state(tmp_path / "second")
    assert load_run(tmp_path / "staged").finished
    again = train(staged(), None, tmp_path / "staged", progress=False)
    assert again.resumed_from == 3


@pytest.mark.slow
@pytest.mark.parametrize("stage", [0, 1])
def test_a_run_broken_in_any_stage_goes_on(stage: int, tmp_path: Path) -> None:
    recipe = staged()
    train(recipe, None, tmp_path / "whole", progress=False)
    path = tmp_path / "broken"
    if stage == 0:
        train_until_interrupted(recipe, path, 1)
        assert not (path / "recipe.yaml").exists()
    else:
        _break_second(recipe, path)
    train(recipe, None, path, progress=False)
    assert state(path) == state(tmp_path / "whole")


def _break_second(recipe: Recipe, path: Path) -> None:
    """Interrupt the second stage after its first epoch, and lose the first stage."""
    import shutil

    epochs = 0
    real: Callable[..., Any] = RunFolder.write_metrics

    def stop(folder: RunFolder, history: list[dict[str, float]]) -> None:
        nonlocal epochs
        epochs += 1
        if epochs == 4:  # two of stage one, and the second of stage two
            raise KeyboardInterrupt
        real(folder, history)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFolder, "write_metrics", stop)
        with pytest.raises(KeyboardInterrupt):
            train(recipe, None, path, progress=False)
    assert load_run(path).epoch == 1
    shutil.rmtree(path / "stage-1")


def test_another_first_stage_is_refused(tmp_path: Path) -> None:
    train_until_interrupted(staged(), tmp_path, 1)
    with pytest.raises(
        CheckpointError, match=r"stage-1: epochs is 2 there and 4 now, which cannot be"
    ):
        train(staged("stages.0.epochs=4"), None, tmp_path, progress=False)


def test_signs_are_in_the_records_and_the_curves(teacher: Path) -> None:
    entry = load_run(teacher).history[-1]
    for layer in ("conv1", "conv2"):
        assert 0 < entry[f"flips/{layer}"] < 0.5
        for kind in ("weights", "inputs"):
            low, mean, high = (entry[f"{kind}/{layer}/{part}"] for part in ("min", "mean", "max"))
            assert 0 <= low < mean < high <= 1
    events = EventAccumulator(str(teacher / "tensorboard"))
    events.Reload()
    steps = [(point.step, point.value) for point in events.Scalars("flips/conv1")]
    assert [step for step, _ in steps] == [5, 10, 15]
    assert steps[-1][1] == pytest.approx(entry["flips/conv1"])
    assert "epoch/top1" in events.Tags()["scalars"]
