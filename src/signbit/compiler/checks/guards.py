"""What `torch.export` noted of the sizes it left open, and which module had asked.

A guard is such a note: it must hold for the exported graph to be the model. The modules are watched
while they run, so that a guard has a place also where it was torch's own code that asked.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from signbit.compiler.exporting.places import place_of_guard
from signbit.errors import Refusal

__all__ = ["Watch", "batch_symbols", "open_inputs", "watched"]

_ANY_NUMBER = inspect.Parameter.VAR_POSITIONAL


class Watch:
    """Looks for the first guard that is at fault, whenever a module begins or ends.

    at_fault(guard, sizes): of a guard, where `sizes` is as the watch's own. They are sympy's
    symbols, as a size that the model fixes later is a number from then on.
    """

    def __init__(self, at_fault: Callable[[Any, dict[int, Any]], bool]) -> None:
        self.guard: Any = None
        """The guard that is at fault, if one was found."""
        self.module = ""
        """Path of the module that was running then; "the model" for the outermost."""
        self._at_fault = at_fault
        self.sizes: dict[int, Any] = {}
        """Symbols of the first input's open sizes, by dimension."""
        self.batches: set[Any] = set()
        """Symbols of the inputs' batch sizes."""
        self._image: Any = None
        self._inside: list[str] = []
        self._seen = 0

    @property
    def running(self) -> str:
        """Path of the module that runs now; "the model" for the outermost."""
        return (self._inside or [""])[-1] or "the model"

    @property
    def saw_all(self) -> bool:
        """Whether the model ran to its end, so that all that it asks has been looked at."""
        return self._image is not None and not self._inside

    def refusal(self, reason: str, cure: str) -> Refusal:
        """The refusal of what was found, at the module and, if it is the model's own, the line."""
        return Refusal(self.module, "", reason, cure, *place_of_guard(self.guard))

    def entering(self, name: str) -> Any:
        """A hook for before the module of this path runs."""

        def enter(module: nn.Module, args: Any) -> None:
            if self._image is None:
                self._begin(args[0])
                self.batches = batch_symbols(args)
            self._look()
            self._inside.append(name)

        return enter

    def leaving(self, name: str) -> Any:
        """A hook for after the module of this path has run."""

        def leave(module: nn.Module, args: Any, result: Any) -> None:
            self._look()
            self._inside.pop()

        return leave

    def _begin(self, image: Any) -> None:
        """Keep the symbols now, as they are numbers once the model has fixed them."""
        sizes = {
            dim: size for dim, size in enumerate(image.shape) if isinstance(size, torch.SymInt)
        }
        if sizes:
            self._image = next(iter(sizes.values()))
            self.sizes = {dim: size.node.expr for dim, size in sizes.items()}

    def _look(self) -> None:
        if self.guard is not None or self._image is None:
            return
        guards = self._image.node.shape_env.guards
        for guard in guards[self._seen :]:
            if self._at_fault(guard, self.sizes):
                self.guard, self.module = guard, self.running
                return
        self._seen = len(guards)


def batch_symbols(inputs: Iterable[Any]) -> set[Any]:
    """The symbols of the batch sizes of what a model is given, also of those found to be equal."""
    sizes = [each.shape[0] for each in inputs]
    nodes = [size.node for size in sizes if isinstance(size, torch.SymInt)]
    return {symbol for node in nodes for symbol in (node.expr, node._expr)}


def open_inputs(model: nn.Module, sizes: dict[int, Any], count: int = 1) -> tuple[Any, ...]:
    """The `dynamic_shapes` of a model of so many inputs, of whose dimensions these are open."""
    parameters = inspect.signature(model.forward).parameters.values()
    kinds = [each.kind for each in parameters]
    named = kinds.index(_ANY_NUMBER) if _ANY_NUMBER in kinds else count
    if named >= count:
        return (sizes,) * count
    return *(sizes,) * named, (sizes,) * (count - named)


@contextmanager
def watched(model: nn.Module, watch: Watch) -> Iterator[None]:
    """Inside it every module of the model tells the watch when it begins and ends."""
    hooks = [
        hook
        for name, module in model.named_modules()
        for hook in (
            module.register_forward_pre_hook(watch.entering(name)),
            module.register_forward_hook(watch.leaving(name)),
        )
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
