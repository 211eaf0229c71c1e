"""Which line of a model, and which of its modules, asks how many images there are.

`torch.export` notes what must hold of the batch size for its graph to be the model, but takes two
images or more for granted, and says not where it was asked. So its notes are read, and the model is
followed once more, its batch size free to become fixed, while the modules are watched.
"""

from __future__ import annotations

import linecache
import traceback
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

__all__ = ["holds_for_every_batch_size", "where_batch_size_matters"]

_MANY = 256
"""Batch sizes from 1 on for which a note must hold. What fails for larger ones alone is about the
memory that PyTorch can address: a model's own such comparison is refused by the export."""


def holds_for_every_batch_size(program: ExportedProgram) -> bool:
    """Whether the exported graph is the model for one image as for many."""
    (name,) = program.graph_signature.user_inputs[:1]
    image = next(fx for fx in program.graph.nodes if fx.name == name).meta["val"]
    size = image.shape[0].node
    return all(_holds(guard, size.expr) for guard in size.shape_env.guards)


def _holds(guard: Any, batch: Any) -> bool:
    """Of torch's own code for two images or more: with one it asks about strides, not values."""
    place = _place(guard)
    least = 2 if place and Path(torch.__file__).parent in Path(place.filename).parents else 1
    return all(guard.expr.subs(batch, count) for count in range(least, _MANY + 1))


def _place(guard: Any) -> traceback.FrameSummary | None:
    place = getattr(getattr(guard, "sloc", None), "framework_loc", None)
    return place if isinstance(place, traceback.FrameSummary) else None


def where_batch_size_matters(model: nn.Module, example: Tensor) -> str:
    """Module, and file, line and code where they are the model's own; "" where neither is found."""
    watch = _Watch()
    hooks = [
        hook
        for name, module in model.named_modules()
        for hook in (
            module.register_forward_pre_hook(watch.entering(name)),
            module.register_forward_hook(watch.leaving(name)),
        )
    ]
    try:
        torch.export.export(model, (example,), dynamic_shapes=({0: Dim.AUTO},))
    except (RuntimeError, ValueError, TypeError, AssertionError):
        pass  # What was seen until then has been kept.
    finally:
        for hook in hooks:
            hook.remove()
    return watch.found


class _Watch:
    """Looks, whenever a module begins or ends, whether the batch size has been asked about."""

    def __init__(self) -> None:
        self.found = ""
        self._size: torch.SymInt | None = None
        self._batch: Any = None
        self._inside: list[str] = []

    def entering(self, name: str) -> Any:
        def enter(module: nn.Module, args: Any) -> None:
            if self._size is None and isinstance(args[0].shape[0], torch.SymInt):
                self._size = args[0].shape[0]
                # Now, as it is a number once the model has fixed it.
                self._batch = self._size.node.expr
            self._look()
            self._inside.append(name)

        return enter

    def leaving(self, name: str) -> Any:
        def leave(module: nn.Module, args: Any, result: Any) -> None:
            self._look()
            self._inside.pop()

        return leave

    def _look(self) -> None:
        if self.found or self._size is None:
            return
        noted = self._size.node.shape_env.guards
        if broken := [guard for guard in noted if not _holds(guard, self._batch)]:
            module = (self._inside or [""])[-1] or "the model"
            self.found = f"{module}{_line(broken[0])}"


def _line(guard: Any) -> str:
    """ " (FILE, line N: CODE)" of the model's own code; torch's says nothing to its user."""
    place = _place(guard)
    if place is None or place.lineno is None:
        return ""
    if Path(torch.__file__).parent in Path(place.filename).parents:
        return ""
    code = linecache.getline(place.filename, place.lineno).strip()
    return f" ({Path(place.filename).name}, line {place.lineno}" + (f": {code})" if code else ")")
