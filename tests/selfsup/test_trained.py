from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from signbit import recipes
from signbit.errors import CheckpointError
from signbit.selfsup.head import Embedder, ProjectionHead
from signbit.selfsup.trained import backbone_digest, load_backbone_run
from signbit.training import load_run, train
from signbit.training.runs import checkpoint as checkpoints


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A supervised run of one epoch."""
    out = tmp_path_factory.mktemp("trained") / "run"
    recipe = recipes.load("sdbnn-digits", ["epochs=1", "train_images=64", "batch_size=32"])
    train(recipe, None, out, progress=False)
    return out


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(run, tmp_path / "copy"))


def test_a_supervised_runs_features_are_what_its_classifier_reads(run: Path) -> None:
    found, whole = load_backbone_run(run), load_run(run).model
    assert found.class_names == ()
    assert found.epoch == 1
    assert not found.model.training
    pixels = torch.randn(3, 1, 8, 8)
    with torch.no_grad():
        logits = whole.classifier(found.model(pixels))  # type: ignore[operator]
        assert torch.equal(logits, whole(pixels))


def test_a_run_without_labels_has_its_backbone_in_an_embedder(run: Path, copy: Path) -> None:
    backbone = load_backbone_run(run).model
    embedder = Embedder(backbone, ProjectionHead(1024, 8, 4))  # type: ignore[arg-type]
    state = {f"embedder.{name}": value for name, value in embedder.state_dict().items()}
    # Decoys: the momentum encoder's tensors have other values.
    state |= {f"momentum.{name}": value + 1 for name, value in state.items()}
    path = checkpoints.latest(copy / "checkpoints")
    assert path is not None
    before = checkpoints.read_checkpoint(path)
    shutil.rmtree(path)
    checkpoints.write_checkpoint(copy / "checkpoints", replace(before, model=state))
    assert backbone_digest(load_backbone_run(copy).model) == backbone_digest(backbone)


def test_the_digest_is_of_the_weights(run: Path) -> None:
    backbone = load_backbone_run(run).model
    assert backbone_digest(backbone) == backbone_digest(load_backbone_run(run).model)
    with torch.no_grad():
        next(backbone.parameters()).add_(1)
    assert backbone_digest(backbone) != backbone_digest(load_backbone_run(run).model)


def test_damaged_runs(copy: Path) -> None:
    path = checkpoints.latest(copy / "checkpoints")
    assert path is not None
    before = checkpoints.read_checkpoint(path)
    model = {name: value for name, value in before.model.items() if name != "conv1.weight"}
    shutil.rmtree(path)
    checkpoints.write_checkpoint(copy / "checkpoints", replace(before, model=model))
    with pytest.raises(CheckpointError, match=r"does not fit: it has no conv1\.weight"):
        load_backbone_run(copy)
    (copy / "run.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"run\.json: bad or missing 'preprocessing'"):
        load_backbone_run(copy)
    shutil.rmtree(copy / "checkpoints")
    with pytest.raises(CheckpointError, match="no epoch is finished yet"):
        load_backbone_run(copy)


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="not a run folder"):
        load_backbone_run(tmp_path)
