"""From a published file to a run folder: every name and shape is checked, nothing is executed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch

import signbit
from signbit import recipes
from signbit.data import open_dataset
from signbit.errors import CheckpointError, InputError
from signbit.exchange.published.layout import Published
from signbit.exchange.published.table import get
from signbit.training.images import preprocessing_of
from signbit.training.networks import build_network, make_method
from signbit.training.recipe.identity import recipe_digest
from signbit.training.recipe.places import with_absolute_places
from signbit.training.runs.checkpoint import Checkpoint, write_checkpoint
from signbit.training.runs.folder import Run, RunFolder, load_run
from signbit.training.runs.initial_weights import read_state
from signbit.training.runs.place import require_place
from signbit.training.runs.state_dicts import load_state

__all__ = ["import_network"]


def import_network(name: str, file: str | Path, out: str | Path, *, data: str | None = None) -> Run:
    """Write the network of a published safetensors file as the run folder `out`, and read it back.

    name: of the table. data: a source of images, which the run remembers as its own; networks whose
    entry has no class names need it, as they take those of its training images. The run has no
    finished epochs, as nothing was trained here. Raises InputError for an unknown name or missing
    data, CheckpointError where the file is not readable or does not fit (naming the first
    difference), and where `out` holds a run or other files.
    """
    published = get(name)
    folder, file = RunFolder(out), Path(file)
    if folder.recipe() is not None:
        raise CheckpointError(f"{out}: holds a run already; choose another folder")
    if not file.is_file():
        raise CheckpointError(f"{file}: no such file")
    require_place(folder.path, data)
    state = read_state(file)
    class_names = _class_names(name, published, data)
    recipe = recipes.load(published.recipe, published.overrides)
    recipe = recipe.model_copy(
        update={
            "description": f"imported: {published.source}",
            "data": recipe.data.model_copy(update={"source": data or recipe.data.source}),
        }
    )
    recipe = with_absolute_places(recipe)
    model = build_network(
        recipe.network,
        make_method(recipe.method),
        classes=len(class_names),
        channels=len(recipe.data.mean),
    )
    load_state(model, state, f"{file} as {name}", called=published.their_name)
    facts = {
        "format": 1,
        "class_names": list(class_names),
        "preprocessing": preprocessing_of(recipe, model).to_json(),
        "imported": {
            "name": name,
            "file": file.name,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        },
        "versions": {"signbit": signbit.__version__, "torch": torch.__version__},
    }
    folder.create(recipe, facts)
    untrained: dict[str, Any] = {"state": {}, "param_groups": []}
    checkpoint = Checkpoint(0, model.state_dict(), untrained, [], recipe_digest(recipe))
    write_checkpoint(folder.checkpoints, checkpoint)
    return load_run(folder.path)


def _class_names(name: str, published: Published, data: str | None) -> tuple[str, ...]:
    if published.class_names is not None:
        return published.class_names
    if data is None:
        raise InputError(
            f"{name}: the file does not name its classes; add --data with images that have them, "
            "in the same order"
        )
    return tuple(open_dataset(data, "train").class_names)
