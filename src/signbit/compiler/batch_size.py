"""Which line of a model, and which of its modules, asks how many images there are.

`torch.export` says that a model is not the same for every batch size, but not where. It is followed
once more, its batch size free to become fixed, while the modules are watched.
"""

from __future__ import annotations

import linecache
import traceback
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

__all__ = ["where_batch_size_matters"]


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
        self._sizes: Any = None
        self._inside: list[str] = []

    def entering(self, name: str) -> Any:
        def enter(module: nn.Module, args: Any) -> None:
            if self._sizes is None and isinstance(args[0].shape[0], torch.SymInt):
                self._sizes = args[0].shape[0].node.shape_env
            self._look()
            self._inside.append(name)

        return enter

    def leaving(self, name: str) -> Any:
        def leave(module: nn.Module, args: Any, result: Any) -> None:
            self._look()
            self._inside.pop()

        return leave

    def _look(self) -> None:
        if not self.found and self._sizes is not None and self._sizes.guards:
            module = (self._inside or [""])[-1] or "the model"
            self.found = f"{module}{_line(self._sizes.guards[0])}"


def _line(guard: Any) -> str:
    """ " (FILE, line N: CODE)" of the model's own code; torch's says nothing to its user."""
    place = getattr(getattr(guard, "sloc", None), "framework_loc", None)
    if not isinstance(place, traceback.FrameSummary) or place.lineno is None:
        return ""
    if Path(torch.__file__).parent in Path(place.filename).parents:
        return ""
    code = linecache.getline(place.filename, place.lineno).strip()
    return f" ({Path(place.filename).name}, line {place.lineno}" + (f": {code})" if code else ")")
