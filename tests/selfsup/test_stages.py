"""A later stage goes on with the embedder, the key encoder and the queue of the one before."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.selfsup.test_pretraining import GUIDED, recipe_of, teacher
from torch import Tensor

from signbit.errors import CheckpointError
from signbit.selfsup.pretraining import pretrain
from signbit.training.runs.folder import RunFolder

__all__ = ["teacher"]  # a fixture

STILL = "selfsup.contrastive.momentum=1"  # a key encoder that never follows
STAGES = "stages=[{method: {params: {binarize: activations}}}, {epochs: 2}]"


def stored(path: Path) -> dict[str, Tensor]:
    folder = RunFolder(path)
    recipe = folder.recipe()
    assert recipe is not None
    checkpoint = folder.checkpoint(recipe)
    assert checkpoint is not None
    return dict(checkpoint.model)


def parameters(state: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    """Those of "embedder" or "key_encoder", without the statistics of normalisations."""
    return {
        name.removeprefix(f"{part}."): value
        for name, value in state.items()
        if name.startswith(f"{part}.") and not name.endswith(("mean", "var", "tracked"))
    }


@pytest.mark.parametrize("method", ["bnn", "sdbnn"])
def test_the_key_encoder_and_the_queue_go_on(method: str, tmp_path: Path) -> None:
    sizes = ("epochs=1", "train_images=32", "selfsup.contrastive.queue=128", "selfsup.knn_every=9")
    recipe = recipe_of(*sizes, STAGES, STILL, f"method.name={method}")
    pretrain(recipe, None, tmp_path, progress=False)
    first, second = stored(tmp_path / "stage-1"), stored(tmp_path)
    before, after = parameters(first, "key_encoder"), parameters(second, "key_encoder")
    for name, value in before.items():
        assert torch.equal(after[name], value), name
    # One epoch of 32 keys, then two, into one queue.
    assert (int(first["queue.pointer"]), int(second["queue.pointer"])) == (32, 96)
    assert torch.equal(second["queue.keys"][:32], first["queue.keys"][:32])
    assert torch.equal(second["queue.keys"][96:], first["queue.keys"][96:])
    assert not torch.equal(second["queue.keys"][32:96], first["queue.keys"][32:96])


def test_after_guidance_alone_the_key_encoder_starts_as_the_embedder(
    teacher: Path, tmp_path: Path
) -> None:
    guided = recipe_of(GUIDED.format(teacher), "selfsup.contrastive=null", "epochs=1")
    pretrain(guided, None, tmp_path / "first", progress=False)
    recipe = recipe_of(STILL, "epochs=1", f"start={tmp_path / 'first'}")
    pretrain(recipe, None, tmp_path / "second", progress=False)
    embedder = parameters(stored(tmp_path / "first"), "embedder")
    for name, value in parameters(stored(tmp_path / "second"), "key_encoder").items():
        assert torch.equal(embedder[name], value), name


def test_a_queue_of_another_size_does_not_fit(tmp_path: Path) -> None:
    pretrain(recipe_of("epochs=1"), None, tmp_path / "first", progress=False)
    recipe = recipe_of("selfsup.contrastive.queue=51", f"start={tmp_path / 'first'}")
    with pytest.raises(CheckpointError, match="queue, does not fit: keys is 50×8 there and 51×8"):
        pretrain(recipe, None, tmp_path / "second", progress=False)
