"""Which line of a model, and which of its modules, asks how many images there are.

`torch.export` notes what must hold of the batch size for its graph to be the model, but takes two
images or more for granted, and says not where it was asked. So its notes are read, and the model is
followed once more, its batch size free to become fixed, while the modules are watched.
"""

from __future__ import annotations

from collections.abc import Set
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from signbit.compiler.checks.guards import Watch, batch_symbols, open_inputs, watched
from signbit.compiler.exporting.places import is_of_torch

__all__ = ["OF_ONE_BATCH_SIZE", "ask_for_batch_size", "holds_for_every_batch_size"]

OF_ONE_BATCH_SIZE = (
    "is not the same for each image of any batch size",
    "leave out what depends on the number of images; it is x.shape[0], as len(x) is a fixed one",
)
"""Reason and cure."""

_MANY = 256
"""Batch sizes from 1 on for which a note must hold. What fails for larger ones alone is about the
memory that PyTorch can address: a model's own such comparison is refused by the export."""


def holds_for_every_batch_size(program: ExportedProgram) -> bool:
    """Whether the exported graph is the model for one image as for many."""
    names = program.graph_signature.user_inputs
    given = [fx.meta["val"] for fx in program.graph.nodes if fx.name in names]
    sizes = [each.shape[0].node for each in given]
    batches = batch_symbols(given)
    return all(_holds(guard, batches) for guard in sizes[0].shape_env.guards)


def _holds(guard: Any, batches: Set[Any]) -> bool:
    """Whether a guard holds for every batch size, which each of the symbols is.

    Guards of torch's own code are asked for two images or more: with one they are about strides.
    """
    least = 2 if is_of_torch(guard) else 1
    return all(guard.expr.subs(dict.fromkeys(batches, count)) for count in range(least, _MANY + 1))


def ask_for_batch_size(model: nn.Module, example: tuple[Tensor, ...]) -> Watch:
    """A watch that has seen the model followed: its guard is what fixes the batch size, if any.

    Where the model cannot be followed at all, the module at which that ended is still running.
    """
    watch = Watch(lambda guard, sizes: 0 in sizes and not _holds(guard, watch.batches))
    with watched(model, watch), suppress(Exception):
        inputs = open_inputs(model, {0: Dim.AUTO}, len(example))
        torch.export.export(model, example, dynamic_shapes=inputs)
    return watch
