"""The weights that a run begins with: those of an earlier run, or of a file."""

from __future__ import annotations

from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from signbit.errors import CheckpointError
from signbit.training.run import RunFolder

__all__ = ["read_state"]


def read_state(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a finished or imported run's network, or of a .safetensors file, by name.

    Raises CheckpointError where there is neither, where the run has epochs left, or the file is
    damaged.
    """
    path = Path(path)
    if path.is_file():
        try:
            return safetensors.torch.load(path.read_bytes())
        except (OSError, SafetensorError) as error:
            raise CheckpointError(f"{path}: not a readable safetensors file ({error})") from error
    folder = RunFolder(path)
    recipe = folder.recipe()
    if recipe is None:
        raise CheckpointError(f"{path}: neither a run folder nor a .safetensors file")
    checkpoint = folder.checkpoint(recipe)
    epochs = 0 if checkpoint is None else checkpoint.epoch
    # Without any epoch its weights were imported: there is nothing to finish.
    if checkpoint is None or 0 < epochs < recipe.epochs:
        raise CheckpointError(
            f"{path}: this run is not finished ({epochs} of {recipe.epochs} epochs); train it to "
            "its end first"
        )
    return checkpoint.model
