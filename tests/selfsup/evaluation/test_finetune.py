from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from signbit import methods, recipes
from signbit.bitformat.graph import Resize
from signbit.data import Preprocessing, open_dataset
from signbit.errors import CheckpointError, RecipeError
from signbit.selfsup.backbone import build_backbone
from signbit.selfsup.evaluation.finetune import finetune, finetuning_recipe
from signbit.selfsup.trained import load_backbone_run
from signbit.training import Run, load_run, train
from signbit.training.images import open_images

SHORT = ("epochs=2", "batch_size=16")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A supervised run of two epochs, whose backbone is fine-tuned."""
    out = tmp_path_factory.mktemp("finetune") / "run"
    recipe = recipes.load("bnn-digits", ["epochs=2", "train_images=320", "batch_size=32"])
    train(recipe, None, out, progress=False)
    return out


def large(resize: int) -> Run:
    """A backbone for photographs, not trained."""
    return Run(
        path=Path("runs/large"),
        model=build_backbone("digits", methods.get("bnn")),
        recipe=recipes.load("bireal-resnet18-imagenet", ["data.augment={}"]),
        class_names=(),
        preprocessing=Preprocessing((224, 224, 3), (0.5,) * 3, (0.5,) * 3, Resize(resize)),
        epoch=0,
        history=[],
    )


def test_a_share_of_the_labels_trains_an_ordinary_run(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "tuned"
    result = finetune(source, out, labels=0.1, overrides=SHORT, progress=False)
    assert (result.epochs, result.resumed_from) == (2, 0)
    run = load_run(out)
    assert run.class_names == tuple("0123456789")
    assert run.recipe.label_share == 0.1
    assert run.recipe.network == load_run(source).recipe.network
    training, test = open_images(run.recipe)
    everything = open_dataset("digits", "train").labels
    wanted = [max(1, int(0.1 * count + 0.5)) for count in np.bincount(everything)]
    assert np.bincount(training.labels).tolist() == wanted
    assert len(test) == 362
    # Started again it has nothing left to do, and longer it starts anew elsewhere.
    again = finetune(source, out, labels=0.1, overrides=SHORT, progress=False)
    assert (again.resumed_from, again.top1) == (2, result.top1)
    repeated = finetune(source, tmp_path / "twin", labels=0.1, overrides=SHORT, progress=False)
    assert repeated.history[-1]["train_loss"] == result.history[-1]["train_loss"]


def test_it_begins_with_the_backbone_and_a_new_classifier(source: Path, tmp_path: Path) -> None:
    overrides = ("epochs=1", "batch_size=16", "optimizer.lr=1e-30")
    finetune(source, tmp_path, labels=0.1, overrides=overrides, progress=False)
    before, after = load_run(source), load_run(tmp_path)
    ours, theirs = (load_backbone_run(path).model.state_dict() for path in (tmp_path, source))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours if name.endswith("weight"))
    assert not torch.equal(after.model.classifier.weight, before.model.classifier.weight)


def test_other_images_with_other_classes(source: Path, tmp_path: Path) -> None:
    for split in ("train", "test"):
        for index, name in enumerate(("dark", "light")):
            folder = tmp_path / "data" / split / name
            folder.mkdir(parents=True)
            for number in range(10):
                pixels = np.full((9, 12, 3), 40 + 150 * index + number, np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    data = str(tmp_path / "data")
    result = finetune(
        source, tmp_path / "out", data=data, overrides=("epochs=5", "batch_size=8"), progress=False
    )
    assert load_run(result.path).class_names == ("dark", "light")
    assert result.top1 == 1


def test_another_recipe_in_the_folder_is_refused_and_left_alone(source: Path) -> None:
    before = sorted(path.name for path in source.iterdir())
    with pytest.raises(CheckpointError, match="holds a run of another recipe"):
        finetune(source, source, labels=0.1, overrides=SHORT, progress=False)
    assert sorted(path.name for path in source.iterdir()) == before


@pytest.mark.parametrize("labels", [0, -0.5, 1.01])
def test_impossible_shares(labels: float) -> None:
    with pytest.raises(RecipeError, match="label_share"):
        finetuning_recipe(large(256), labels=labels)


def test_a_run_without_augmentation_gets_the_usual() -> None:
    augment = finetuning_recipe(large(256)).data.augment
    assert augment.flip
    assert augment.resized_crop is not None
    assert (augment.resized_crop.side, augment.crop_padding) == (256, 0)
