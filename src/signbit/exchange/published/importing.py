"""From a published file to a run folder: every name and shape is checked, nothing is executed."""

from __future__ import annotations

from pathlib import Path

from signbit import recipes
from signbit.data import open_dataset
from signbit.errors import InputError
from signbit.exchange.imported import new_folder, write_graph_run, write_run
from signbit.exchange.published.keras import read_keras
from signbit.exchange.published.layout import Published
from signbit.exchange.published.table import get
from signbit.training.networks import build_network, make_method
from signbit.training.runs.folder import Run
from signbit.training.runs.initial_weights import read_state
from signbit.training.runs.state_dicts import load_state

__all__ = ["import_network"]


def import_network(name: str, file: str | Path, out: str | Path, *, data: str | None = None) -> Run:
    """Write the network of a published file as the run folder `out`, and read it back.

    name: of the table. data: a source of images, which the run remembers as its own; networks whose
    entry has no class names need it, as they take those of its training images. The run has no
    finished epochs, as nothing was trained here. Raises InputError for an unknown name or missing
    data, CheckpointError where the file is not readable or does not fit (naming the first
    difference), and where `out` holds a run or other files; CompileError for ONNX with operations
    that signbit has not.
    """
    entry, file = get(name), Path(file)
    folder = new_folder(out, file, data)
    if not isinstance(entry, Published):
        return write_graph_run(
            entry.read(file),
            folder,
            file,
            name=name,
            source=entry.source,
            data=data or entry.data,
            class_names=entry.class_names,
        )
    state = {} if entry.keras else read_state(file)
    class_names = _class_names(name, entry, data)
    recipe = recipes.load(entry.recipe, entry.overrides)
    recipe = recipe.model_copy(
        update={
            "description": f"imported: {entry.source}",
            "data": recipe.data.model_copy(update={"source": data or recipe.data.source}),
        }
    )
    model = build_network(
        recipe.network,
        make_method(recipe.method),
        classes=len(class_names),
        channels=len(recipe.data.mean),
    )
    if entry.keras:
        state = read_keras(file, model, entry.keras, f"{file} as {name}")
    load_state(model, state, f"{file} as {name}", called=entry.their_name)
    return write_run(folder, recipe, model, class_names, name, file)


def _class_names(name: str, published: Published, data: str | None) -> tuple[str, ...]:
    if published.class_names is not None:
        return published.class_names
    if data is None:
        raise InputError(
            f"{name}: the file does not name its classes; add --data with images that have them, "
            "in the same order"
        )
    return tuple(open_dataset(data, "train").class_names)
