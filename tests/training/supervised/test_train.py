"""Training on the digits, in this process; test_resume.py kills a real one."""

import os
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.thorough import sample
from tests.training.supervised.deadly import DieAtLast

from signbit import recipes
from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.loader import Loader
from signbit.data.loading.say import Say
from signbit.errors import CheckpointError, DataError, IsaError, RecipeError
from signbit.nn.layers import BinaryConv2d
from signbit.training import images, load_run, train
from signbit.training.recipe import Recipe
from signbit.training.runs.folder import RunFolder
from signbit.training.runs.lock import locked


def changed(recipe: Recipe, **values: object) -> Recipe:
    return recipe.model_copy(update=values)


def weights(path: Path) -> dict[str, torch.Tensor]:
    return load_run(path).model.state_dict()


def same(left: Path, right: Path) -> bool:
    first, second = weights(left), weights(right)
    return all(torch.equal(first[name], second[name]) for name in first)


def train_until_interrupted(recipe: Recipe, path: Path, epoch: int) -> None:
    """Train, with a Ctrl-C in the middle of epoch `epoch` (from 0)."""
    real = Loader.epoch

    def stop(loader: Loader, number: int):  # type: ignore[no-untyped-def]
        for step, batch in enumerate(real(loader, number)):
            if number == epoch and step == 2:
                raise KeyboardInterrupt
            yield batch

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Loader, "epoch", stop)
        with pytest.raises(KeyboardInterrupt):
            train(recipe, None, path)


def test_bfloat16_gradients_learn_alike(short_recipe: Recipe, tmp_path: Path) -> None:
    exact = train(short_recipe, None, tmp_path / "float32", progress=False)
    try:
        rounded = train(
            changed(short_recipe, gradients="bfloat16"), None, tmp_path / "bfloat16", progress=False
        )
    except IsaError:
        pytest.skip("this CPU has no bfloat16 dot product")
    assert not same(tmp_path / "float32", tmp_path / "bfloat16")
    for mine, theirs in zip(rounded.history, exact.history, strict=True):
        assert mine["train_loss"] == pytest.approx(theirs["train_loss"], rel=0.1)


def test_training_learns_and_reports(short_recipe: Recipe, tmp_path: Path) -> None:
    result = train(short_recipe, None, tmp_path, progress=False)
    assert result.path == tmp_path
    assert (result.epochs, result.resumed_from) == (3, 0)
    assert result.top1 == result.history[-1]["top1"] > 0.3
    assert result.history[-1]["train_loss"] < result.history[0]["train_loss"]
    assert result.seconds == pytest.approx(sum(entry["seconds"] for entry in result.history))
    assert all(0 < entry["wait"] < 1 for entry in result.history)


def test_the_same_recipe_gives_the_same_bits_and_another_seed_others(
    short_recipe: Recipe, tmp_path: Path
) -> None:
    for name, recipe in {
        "a": short_recipe,
        "b": short_recipe,
        "c": changed(short_recipe, seed=1),
    }.items():
        torch.rand(3)  # whatever was drawn before must not matter
        train(recipe, None, tmp_path / name, progress=False)
    assert same(tmp_path / "a", tmp_path / "b")
    assert not same(tmp_path / "a", tmp_path / "c")


@pytest.mark.slow
def test_decoding_processes_change_no_number(short_recipe: Recipe, tmp_path: Path) -> None:
    recipe = changed(short_recipe, epochs=2)
    train(recipe, None, tmp_path / "0", progress=False)
    decoding = recipe.data.model_copy(update={"workers": 2})
    train(changed(recipe, data=decoding), None, tmp_path / "2", progress=False)
    assert same(tmp_path / "0", tmp_path / "2")
    facts = [RunFolder(tmp_path / workers).facts() for workers in "02"]
    assert facts[0]["train_digest"] == facts[1]["train_digest"]
    # So a run goes on with another number of them.
    assert train(recipe, None, tmp_path / "2", progress=False).resumed_from == 2


@pytest.mark.slow
def test_a_decoding_process_that_dies_ends_the_run(
    short_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = images.open_dataset

    def deadly(source: str, split: str, *, labelled: bool, say: Say) -> ImageDataset:
        opened = real(source, split, labelled=labelled, say=say)
        opened.read = DieAtLast(opened.read, os.getpid(), tmp_path / "run")
        return opened

    monkeypatch.setattr(images, "open_dataset", deadly)
    decoding = short_recipe.data.model_copy(update={"workers": 1})
    with pytest.raises(DataError, match="a process that decodes the train split died"):
        train(changed(short_recipe, data=decoding), None, tmp_path / "run", progress=False)
    assert not [thread for thread in threading.enumerate() if "prefetch" in thread.name]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sdbnn-digits", "bnn-digits"])
def test_an_interrupted_run_goes_on_to_the_same_bits(
    name: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recipe = recipes.load(name, ["epochs=3", "train_images=160", "batch_size=32"])
    train(recipe, None, tmp_path / "whole", progress=False)
    train_until_interrupted(recipe, tmp_path / "broken", 1)
    assert "stopped after 1 of 3 epochs; the same command goes on" in capsys.readouterr().err
    assert not [thread for thread in threading.enumerate() if "prefetch" in thread.name]
    assert not load_run(tmp_path / "broken").finished
    result = train(recipe, None, tmp_path / "broken")
    assert "going on after epoch 1 of 3" in capsys.readouterr().err
    assert result.resumed_from == 1
    assert same(tmp_path / "whole", tmp_path / "broken")
    for ours, theirs in zip(
        load_run(tmp_path / "broken").history, load_run(tmp_path / "whole").history, strict=True
    ):
        for key in ("epoch", "train_loss", "top1", "test_loss", "lr"):
            assert ours[key] == theirs[key]


def test_an_interrupt_in_the_first_epoch_starts_over(short_recipe: Recipe, tmp_path: Path) -> None:
    train_until_interrupted(short_recipe, tmp_path / "broken", 0)
    assert train(short_recipe, None, tmp_path / "broken", progress=False).resumed_from == 0
    train(short_recipe, None, tmp_path / "whole", progress=False)
    assert same(tmp_path / "whole", tmp_path / "broken")


def test_a_finished_run_says_so_and_stays(
    short_recipe: Recipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = train(short_recipe, None, tmp_path, progress=False)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    again = train(short_recipe, None, tmp_path)
    assert "3 epochs done, nothing to train" in capsys.readouterr().err
    assert again.resumed_from == 3
    assert again.history == first.history
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_another_recipe_or_other_images_are_refused(
    short_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_until_interrupted(short_recipe, tmp_path, 1)
    slower = short_recipe.optimizer.model_copy(update={"lr": 0.01})
    with pytest.raises(CheckpointError) as caught:
        train(changed(short_recipe, epochs=9, optimizer=slower), None, tmp_path, progress=False)
    assert "epochs is 3 there and 9 now" in str(caught.value)
    assert "optimizer.lr is 0.1 there and 0.01 now" in str(caught.value)

    real = images.open_dataset

    def darker(source: str, split: str, *, labelled: bool, say: Say) -> ImageDataset:
        opened = real(source, split, labelled=labelled, say=say)
        return ImageDataset.from_arrays(
            opened.images // 2, opened.labels, opened.class_names, source=source, split=split
        )

    monkeypatch.setattr(images, "open_dataset", darker)
    with pytest.raises(CheckpointError, match="train_digest differs"):
        train(short_recipe, None, tmp_path, progress=False)


def test_other_threads_are_mentioned(
    short_recipe: Recipe,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    train_until_interrupted(short_recipe, tmp_path, 1)
    assert "threads before" not in capsys.readouterr().err
    torch.set_num_threads(2)
    train(short_recipe, None, tmp_path)
    assert "1 threads before and 2 now" in capsys.readouterr().err


def test_train_images_takes_a_seeded_part(short_recipe: Recipe) -> None:
    part, test = images.open_images(short_recipe)
    again, _ = images.open_images(short_recipe)
    other, _ = images.open_images(changed(short_recipe, seed=1))
    assert (len(part), len(test)) == (160, 362)
    np.testing.assert_array_equal(part.images, again.images)
    assert not np.array_equal(part.images, other.images)
    assert len(np.unique(part.labels)) == 10
    with pytest.raises(DataError, match="train_images=9999, but the train split has 1435"):
        images.open_images(changed(short_recipe, train_images=9999))


def test_latent_weights_of_bnn_stay_clipped(tmp_path: Path) -> None:
    recipe = recipes.load(
        "bnn-digits", ["epochs=1", "train_images=160", "optimizer.lr=0.5", "batch_size=32"]
    )
    train(recipe, None, tmp_path, progress=False)
    latent = [m.weight for m in load_run(tmp_path).model.modules() if isinstance(m, BinaryConv2d)]
    assert latent
    assert max(float(weight.detach().abs().max()) for weight in latent) == 1.0


def test_mistakes_leave_no_run_behind(short_recipe: Recipe, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(DataError, match="no such folder"):
        train(short_recipe, tmp_path / "absent", out, progress=False)
    with pytest.raises(RecipeError, match="resnet21"):
        train(changed(short_recipe, network="resnet21"), None, out, progress=False)
    for split in ("train", "test"):
        (tmp_path / "one" / split / "cat").mkdir(parents=True)
        Image.new("L", (8, 8)).save(tmp_path / "one" / split / "cat/0.png")
    alone = changed(short_recipe, train_images=None)
    with pytest.raises(DataError, match=r"one: only one class \(cat\)"):
        train(alone, tmp_path / "one", out, progress=False)
    assert not out.exists()


def test_an_empty_folder_name_is_refused(short_recipe: Recipe) -> None:
    with pytest.raises(CheckpointError, match="the run folder's name is empty"):
        train(short_recipe, None, "", progress=False)


def test_a_folder_that_is_trained_into_is_refused(short_recipe: Recipe, tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(CheckpointError, match="another process is training"):
        train(short_recipe, None, tmp_path, progress=False)
    assert not (tmp_path / "recipe.yaml").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", sample(["sdbnn-digits", "bnn-digits"], "bnn-digits"))
def test_the_digits_recipes_reach_97_percent(name: str, tmp_path: Path) -> None:
    """By default one of them; `signbit demo` trains by the other."""
    assert train(recipes.load(name), None, tmp_path, progress=False).top1 >= 0.97


@pytest.mark.slow
def test_cifar10_goes_through_from_parquet_to_run(shared_data: Path, tmp_path: Path) -> None:
    from pyarrow import parquet

    # The first 256 test images as both splits: what is tested is the way, not the accuracy.
    source = shared_data / "data/cifar10/test-00000-of-00001.parquet"
    rows = next(parquet.ParquetFile(source).iter_batches(256))
    small = tmp_path / "cifar10"
    small.mkdir()
    for split in ("train", "test"):
        with parquet.ParquetWriter(small / f"{split}.parquet", rows.schema) as writer:
            writer.write_batch(rows)

    recipe = recipes.load("sdbnn-resnet20-cifar10", ["epochs=1"])
    result = train(recipe, small, tmp_path / "run", progress=False)
    run = load_run(tmp_path / "run")
    assert (run.class_names[0], run.class_names[9]) == ("airplane", "truck")
    assert run.input_size == (32, 32, 3)
    assert run.recipe.data.source == str(small)
    assert result.history[0]["train_loss"] < 5
