"""Fine-tuning: a run's whole network learns on, from a share of the labels.

What is trained is an ordinary supervised run, whose network begins with the backbone of another.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from signbit.data.loading.readable import Unreadable
from signbit.data.loading.seeds import derive_seed
from signbit.errors import CheckpointError, DataError
from signbit.files import write_file
from signbit.selfsup.trained import load_backbone_run
from signbit.training.images import open_images
from signbit.training.networks import build_network, make_method
from signbit.training.recipe import Recipe
from signbit.training.recipe.parsing import apply_overrides, parse_recipe
from signbit.training.runs import whole_files
from signbit.training.runs.folder import Run, RunFolder
from signbit.training.runs.place import require_place
from signbit.training.runs.result import RunResult
from signbit.training.supervised.train import train

__all__ = ["finetune", "finetuning_recipe"]

_START = "start.safetensors"
_SMALL = 64
"""Up to this many pixels on a side images are padded and cropped, beyond it a part is scaled."""


def finetune(
    run: str | Path,
    out: str | Path,
    *,
    data: str | None = None,
    labels: float = 1.0,
    overrides: Iterable[str] = (),
    unreadable: Unreadable | None = None,
    progress: bool = True,
) -> RunResult:
    """Train the network of the folder `run` on a share of the labels, into the run folder `out`.

    Its classifier, and what normalises for it, are new. See `finetuning_recipe`; started again, it
    goes on after the last finished epoch. Raises as `signbit.training.train` and `load_run` do.
    """
    trained = load_backbone_run(run)
    folder = RunFolder(out)
    recipe = finetuning_recipe(
        trained, data=data, labels=labels, overrides=overrides, unreadable=unreadable
    )
    recipe = recipe.model_copy(update={"start": str(folder.path / _START)})
    folder.require_same_recipe(recipe)
    require_place(folder.path, recipe.data.source)
    # For the number of classes alone: which images are skipped, train says.
    training, _ = open_images(recipe, say=lambda text: None)
    state = _initial_state(trained, recipe, len(training.class_names))
    made = not folder.path.exists()
    try:
        with whole_files.writing(folder.path):
            folder.path.mkdir(parents=True, exist_ok=True)
            write_file(folder.path / _START, safetensors.torch.save(state))
        return train(recipe, None, folder.path, progress=progress)
    except (CheckpointError, DataError):
        if made and folder.recipe() is None:  # a broken image or a full disk: nothing has begun
            (folder.path / _START).unlink(missing_ok=True)
            with suppress(OSError):
                folder.path.rmdir()
        raise


def finetuning_recipe(
    run: Run,
    *,
    data: str | None = None,
    labels: float = 1.0,
    overrides: Iterable[str] = (),
    unreadable: Unreadable | None = None,
) -> Recipe:
    """The run's network, method and images, and settings of our own for learning them anew.

    60 epochs of 64 images, Adam at 1e-3 falling to 0 by a cosine, no weight decay; augmentation is
    the run's own, or where it has none as supervised learning has it. `labels`: the share of every
    class, 0 (excluded) … 1. `unreadable`: what is done about images that cannot be decoded; None:
    as in the run's recipe, for any data. `overrides` change any of it: "epochs=12". Raises
    RecipeError.
    """
    values: dict[str, Any] = run.recipe.model_dump(mode="json", exclude_defaults=True)
    for key in ("selfsup", "stages", "start", "teacher", "train_images", "label_smoothing"):
        values.pop(key, None)
    if data is not None:
        values["data"] |= {"source": data, "test_split": "test"}
    if unreadable is not None:
        values["data"]["unreadable"] = unreadable
    if not values["data"].get("augment"):
        values["data"]["augment"] = _augmentation(run)
    values |= {
        "description": f"fine-tuned with {100 * labels:g} % of the labels, from: "
        f"{run.recipe.description}",
        "epochs": 60,
        "batch_size": 64,
        "optimizer": {"name": "adam", "lr": 1e-3, "weight_decay": 0.0},
        "schedule": "cosine",
        "label_share": labels,
    }
    return parse_recipe(apply_overrides(values, overrides), "fine-tuning")


def _augmentation(run: Run) -> dict[str, Any]:
    side = max(run.input_size[:2])
    if side <= _SMALL:
        return {"flip": True, "crop_padding": side // 8}
    return {"flip": True, "resized_crop": {"area": 0.08, "side": run.preprocessing.square}}


def _initial_state(run: Run, recipe: Recipe, classes: int) -> dict[str, torch.Tensor]:
    """The run's backbone, and everything behind it as the recipe's seed begins it."""
    torch.manual_seed(derive_seed(recipe.seed, "initial weights"))
    method = make_method(recipe.method)
    network = build_network(recipe.network, method, classes=classes, channels=run.input_size[2])
    backbone = run.model.get_submodule("network").state_dict()
    state = network.state_dict() | backbone
    return {name: value.detach().clone().contiguous() for name, value in state.items()}
