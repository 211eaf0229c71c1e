import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from signbit.bitformat.graph import Resize
from signbit.data import open_dataset
from signbit.errors import CheckpointError, RecipeError
from signbit.training import Run, evaluate_model, load_run, train
from signbit.training.recipe import Recipe
from signbit.training.recipe.identity import recipe_digest
from signbit.training.runs.folder import RunFolder

# The keys of the first version, but for the description.
FIRST_KEYS = (
    "network", "method", "data", "epochs", "batch_size", "optimizer", "schedule", "seed",
    "train_images",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(short_recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("run")
    train(short_recipe, None, path, progress=False)
    return path


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """A copy of the finished run, to be damaged."""
    import shutil

    return Path(shutil.copytree(folder, tmp_path / "copy"))


def test_a_run_remembers_what_its_network_needs(folder: Path, short_recipe: Recipe) -> None:
    run = load_run(folder)
    assert run.recipe == short_recipe
    assert run.class_names == tuple("0123456789")
    assert run.input_size == (8, 8, 1)
    assert run.normalization == ((0.5,), (0.5,))
    assert run.resize == Resize(8)
    assert (run.epoch, run.finished) == (3, True)
    assert not run.model.training


def test_the_loaded_network_scores_what_the_run_recorded(folder: Path) -> None:
    run: Run = load_run(str(folder))
    measured = evaluate_model(run.model, open_dataset("digits", "test"), run.preprocessing)
    assert measured.images == 362
    assert measured.top1 == run.history[-1]["top1"]
    assert measured.loss == pytest.approx(run.history[-1]["test_loss"], rel=1e-6)


def test_metrics_are_one_line_an_epoch(folder: Path) -> None:
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    assert [entry["epoch"] for entry in entries] == [1, 2, 3]
    assert entries == load_run(folder).history
    assert all(entry["seconds"] > 0 for entry in entries)
    assert list((folder / "tensorboard").iterdir())


def test_run_json_says_what_it_ran_on(folder: Path) -> None:
    facts = RunFolder(folder).facts()
    assert facts["versions"]["torch"] == torch.__version__
    assert facts["threads"] == 1
    assert (facts["source"], facts["train_images"]) == ("digits", 160)


def test_no_run_and_no_epoch_are_told_apart(tmp_path: Path, copy: Path) -> None:
    import shutil

    with pytest.raises(CheckpointError, match="not a run folder"):
        load_run(tmp_path)
    shutil.rmtree(copy / "checkpoints")
    with pytest.raises(CheckpointError, match="no epoch is finished"):
        load_run(copy)


def test_damage_is_named(copy: Path) -> None:
    facts = (copy / "run.json").read_text()
    (copy / "run.json").write_text(facts[:40])
    with pytest.raises(CheckpointError, match=r"run\.json: cannot be read"):
        load_run(copy)
    (copy / "run.json").write_text(facts.replace('"mean"', '"average"'))
    with pytest.raises(CheckpointError, match=r"run\.json: bad or missing 'mean'"):
        load_run(copy)
    (copy / "recipe.yaml").write_text("epochs: [")
    with pytest.raises(CheckpointError, match=r"recipe\.yaml: cannot be read"):
        load_run(copy)
    (copy / "recipe.yaml").write_text("epochs: 3")
    with pytest.raises(RecipeError, match=r"recipe\.yaml: .*network is missing"):
        load_run(copy)


def test_an_edited_recipe_is_noticed(copy: Path) -> None:
    recipe = copy / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("epochs: 3", "epochs: 4"))
    with pytest.raises(CheckpointError, match="belongs to another recipe"):
        load_run(copy)


def test_checkpoints_without_their_recipe_are_refused(copy: Path, short_recipe: Recipe) -> None:
    (copy / "recipe.yaml").unlink()
    with pytest.raises(CheckpointError, match=r"recipe\.yaml is missing"):
        RunFolder(copy).require_same_recipe(short_recipe)


def test_the_digest_covers_what_changes_numbers(short_recipe: Recipe) -> None:
    same = short_recipe.model_copy(
        update={
            "description": "other words",
            "data": short_recipe.data.model_copy(update={"source": "elsewhere", "workers": 3}),
        }
    )
    assert recipe_digest(same) == recipe_digest(short_recipe)
    for key in ("epochs", "seed", "batch_size"):
        other = short_recipe.model_copy(update={key: 77})
        assert recipe_digest(other) != recipe_digest(short_recipe)


def test_two_loads_give_the_same_logits(folder: Path) -> None:
    x = torch.from_numpy(np.random.randn(4, 1, 8, 8).astype(np.float32))
    with torch.no_grad():
        assert torch.equal(load_run(folder).model(x), load_run(folder).model(x))


def test_runs_from_before_the_latest_keys_are_gone_on_with(
    copy: Path, short_recipe: Recipe
) -> None:
    stored = copy / "recipe.yaml"
    text = stored.read_text()
    for line in ("sync_batch_norm: true\n", "gradients: float32\n"):
        assert line in text
        text = text.replace(line, "")
    stored.write_text(text)
    assert load_run(copy).recipe == short_recipe
    # The digest that such a run recorded.
    values = short_recipe.model_dump(mode="json")
    values = {key: values[key] for key in FIRST_KEYS}
    values["data"] = {k: v for k, v in values["data"].items() if k not in ("source", "workers")}
    for later in ("resized_crop", "cutout", "colour_jitter"):
        del values["data"]["augment"][later]
    resizes = ("resize_both_sides", "crop_ratio", "letterbox", "antialias", "colours")
    for later in ("test_split", "unreadable", "input_size", *resizes):
        del values["data"][later]
    del values["method"]["latent_limit"]
    del values["optimizer"]["decay_on"]
    text = json.dumps(values, sort_keys=True)
    assert recipe_digest(short_recipe) == hashlib.sha256(text.encode()).hexdigest()
    without = short_recipe.model_copy(update={"sync_batch_norm": False})
    assert recipe_digest(without) != recipe_digest(short_recipe)
    with pytest.raises(CheckpointError, match="sync_batch_norm is absent there and False now"):
        RunFolder(copy).require_same_recipe(without)
