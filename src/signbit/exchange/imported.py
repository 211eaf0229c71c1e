"""A network that others trained as a run folder: its recipe, its facts, and no epochs."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import signbit
from signbit.errors import CheckpointError
from signbit.models.graph import GraphNode
from signbit.training.images import preprocessing_of
from signbit.training.networks import make_method, network_of
from signbit.training.recipe import Recipe
from signbit.training.recipe.graph import Graph
from signbit.training.recipe.graph import GraphNode as StoredNode
from signbit.training.recipe.identity import recipe_digest
from signbit.training.recipe.places import with_absolute_places
from signbit.training.recipe.recipe import IMPORTED
from signbit.training.recipe.sections import Adam, DataRecipe, MethodRecipe
from signbit.training.runs.checkpoint import Checkpoint, write_checkpoint
from signbit.training.runs.folder import Run, RunFolder, load_run
from signbit.training.runs.place import require_place
from signbit.training.runs.state_dicts import load_state

__all__ = ["ImportedGraph", "new_folder", "write_graph_run", "write_run"]

UNKNOWN_SOURCE = "unknown"
"""The images of a network that was imported without --data."""


@dataclass(frozen=True)
class ImportedGraph:
    """A network that is data, as a reader of another format gives it."""

    input_size: tuple[int, int, int]
    """(height, width, channels) of the images."""
    classes: int
    nodes: tuple[GraphNode, ...]
    state: dict[str, Tensor]
    """Every tensor of the nodes, by node and tensor: `conv1.weight`."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    """What pixels are normalised with, one value per channel, in units of 0 … 1."""
    class_names: tuple[str, ...] = ()
    """In the order of the scores, where the file has them."""


def new_folder(out: str | Path, file: Path, data: str | None) -> RunFolder:
    """The folder of a run that does not exist yet. Raises CheckpointError where one may not be.

    Also where the file is missing, so that neither is found out after the work.
    """
    folder = RunFolder(out)
    if folder.recipe() is not None:
        raise CheckpointError(f"{out}: holds a run already; choose another folder")
    if not file.is_file():
        raise CheckpointError(f"{file}: no such file")
    require_place(folder.path, data)
    return folder


def write_graph_run(
    graph: ImportedGraph,
    folder: RunFolder,
    file: Path,
    *,
    name: str,
    source: str,
    data: str | None,
    class_names: tuple[str, ...] | None,
) -> Run:
    """Write a graph as the run `folder`, and read it back; the arguments are `import_network`'s.

    source: who made the network. class_names: None for the numbers from 0. The recipe's training is
    a start for whoever trains on: Adam at 1e-3 over ten epochs, signs as in the method "bnn".
    """
    nodes = tuple(
        StoredNode(name=each.name, op=each.op, inputs=each.inputs, args=dict(each.args))
        for each in graph.nodes
    )
    stored = Graph(input_size=graph.input_size[:2], classes=graph.classes, nodes=nodes)
    is_binary = any(each.op.startswith("binary") or each.op == "binarize" for each in nodes)
    recipe = Recipe(
        description=f"imported: {source}",
        network=IMPORTED,
        method=MethodRecipe(name="bnn" if is_binary else "real"),
        data=DataRecipe(source=data or UNKNOWN_SOURCE, mean=graph.mean, std=graph.std),
        epochs=10,
        batch_size=64,
        optimizer=Adam(name="adam", lr=1e-3, weight_decay=0.0),
        schedule="cosine",
        graph=stored,
    )
    names = class_names or tuple(str(number) for number in range(graph.classes))
    model = network_of(
        recipe, make_method(recipe.method), classes=graph.classes, channels=graph.input_size[2]
    )
    load_state(model, graph.state, f"{file} as {name}")
    return write_run(folder, recipe, model, names, name, file)


def write_run(
    folder: RunFolder,
    recipe: Recipe,
    model: nn.Module,
    class_names: tuple[str, ...],
    name: str,
    file: Path,
) -> Run:
    """Write a network as the run `folder`, and read it back; where that fails nothing is left.

    name: what it was imported as. file: where its tensors are from.
    """
    recipe = with_absolute_places(recipe)
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
    untrained: dict[str, Any] = {"state": {}, "param_groups": []}
    checkpoint = Checkpoint(0, model.state_dict(), untrained, [], recipe_digest(recipe))
    is_new = not folder.path.exists()
    try:
        # The recipe comes last: with it the folder is a run.
        write_checkpoint(folder.checkpoints, checkpoint)
        folder.create(recipe, facts)
        return load_run(folder.path)
    except BaseException:
        if is_new:
            shutil.rmtree(folder.path, ignore_errors=True)
        raise
