from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from signbit import recipes
from signbit.errors import CheckpointError
from signbit.selfsup.trained import backbone_digest, backbone_of, load_backbone_run
from signbit.training import Run, load_run, train


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A supervised run of one epoch."""
    out = tmp_path_factory.mktemp("trained") / "run"
    recipe = recipes.load("sdbnn-digits", ["epochs=1", "train_images=64", "batch_size=32"])
    train(recipe, None, out, progress=False)
    return load_run(out)


def test_a_supervised_runs_features_are_what_its_classifier_reads(run: Run) -> None:
    found = load_backbone_run(run.path)
    assert found.class_names == ()
    assert not found.model.training
    pixels = torch.randn(3, 1, 8, 8)
    with torch.no_grad():
        logits = run.model.classifier(found.model(pixels))  # type: ignore[operator]
        assert torch.equal(logits, run.model(pixels))


def test_the_digest_is_of_the_weights(run: Run) -> None:
    backbone = backbone_of(run)
    assert backbone_digest(backbone) == backbone_digest(load_backbone_run(run.path).model)
    with torch.no_grad():
        next(backbone.parameters()).add_(1)
    assert backbone_digest(backbone) != backbone_digest(load_backbone_run(run.path).model)


def test_weights_of_another_network_are_refused(run: Run) -> None:
    other = run.recipe.model_copy(update={"network": "vgg-small"})
    with pytest.raises(CheckpointError, match="does not fit"):
        backbone_of(replace(run, recipe=other))


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="not a run folder"):
        load_backbone_run(tmp_path)
