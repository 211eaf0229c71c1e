"""The weights that a run begins with: those of an earlier run, or of a file."""

from __future__ import annotations

from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from signbit.errors import CheckpointError
from signbit.hub import WEIGHTS, hub_file, is_hub
from signbit.training.runs.best_epoch import is_finished
from signbit.training.runs.folder import RunFolder

__all__ = ["read_state"]

# PyTorch's own files are zip archives with a pickle in them, or pickles if they are old.
_PICKLES = (".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth", ".pth.tar", ".th")
_ZIP, _PICKLE = b"PK\x03\x04", b"\x80"


def read_state(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a finished or imported run's network, or of a .safetensors file, by name.

    Or of "hub:OWNER/NAME", a network on the Hub. Raises CheckpointError where there is none, where
    the run has epochs left, or the file is a pickle or damaged.
    """
    if is_hub(path):
        return _of_file(hub_file(path, WEIGHTS, CheckpointError))
    path = Path(path)
    if path.is_file():
        return _of_file(path)
    folder = RunFolder(path)
    recipe = folder.recipe()
    if recipe is None:
        raise CheckpointError(f"{path}: neither a run folder nor a .safetensors file")
    checkpoint = folder.network(recipe)
    epochs = 0 if checkpoint is None else checkpoint.epoch
    # Without any epoch its weights were imported: there is nothing to finish.
    if checkpoint is None or (epochs and not is_finished(recipe, checkpoint.history)):
        raise CheckpointError(
            f"{path}: this run is not finished ({epochs} of {recipe.epochs} epochs); train it to "
            "its end first"
        )
    return checkpoint.model


def _of_file(path: Path) -> dict[str, Tensor]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        return safetensors.torch.load(data)
    except SafetensorError as error:
        if _is_pickle(path, data):
            raise CheckpointError(
                f"{path}: a pickle, and pickles are not opened, as they may run code; convert it "
                "to safetensors once: docs/selfsup.md shows how for a teacher of MoCo's, "
                "docs/importing.md for other networks"
            ) from None
        raise CheckpointError(f"{path}: not a readable safetensors file ({error})") from error


def _is_pickle(path: Path, data: bytes) -> bool:
    """Whether a file that is not of safetensors is one of PyTorch's, by its content or its name."""
    # The size of a header may begin like a pickle, but then comes the header, which is JSON.
    has_header = data[8:9] == b"{"
    return not has_header and (
        data.startswith((_ZIP, _PICKLE)) or path.name.lower().endswith(_PICKLES)
    )
