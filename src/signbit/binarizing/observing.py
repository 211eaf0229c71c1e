"""What a network computes of example images, as a graph to look at: who feeds whom.

For forwards that `tracing` cannot follow. The graph holds the calls of one run, with their shapes;
it cannot be computed again.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from signbit.binarizing.tracing import does_not_take, is_leaf
from signbit.nn.module_state import unchanged

__all__ = ["observed"]


def observed(model: nn.Module, images: Tensor) -> fx.Graph:
    """The calls of modules and functions that `model` makes of `images`, in evaluation.

    A call says where it is made, as `tracing.place` reads it. Raises InputError where the model
    does not take such images.
    """
    watching = _Watching()
    with ExitStack() as stack:
        for path, module in model.named_modules():
            for handle in watching.handles(path, module):
                stack.callback(handle.remove)
        stack.enter_context(torch.no_grad())
        stack.enter_context(unchanged(model))
        model.eval()
        watching.is_value(watching.graph.placeholder("images"), images)
        try:
            with watching:
                model(images)
        except Exception as error:
            raise does_not_take(images, error) from error
    return watching.graph


class _Watching(TorchFunctionMode):
    """Hears of every function of PyTorch that is called on tensors, and by hooks of modules."""

    def __init__(self) -> None:
        super().__init__()
        self.graph = fx.Graph()
        self._nodes: dict[int, fx.Node] = {}
        self._alive: list[Tensor] = []  # so that no tensor gets the place of one before
        self._callers: list[str] = []
        self._leaves = 0

    def handles(self, path: str, module: nn.Module) -> list[torch.utils.hooks.RemovableHandle]:
        """The hooks that listen to `module`, whose path is `path`."""
        leaf = is_leaf(module, path)

        def before(*_: object) -> None:
            self._callers.append(path)
            self._leaves += leaf

        def after(_: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
            self._callers.pop()
            self._leaves -= leaf
            if leaf and not self._leaves:
                self._note("call_module", path, args, kwargs, result)

        return [
            module.register_forward_pre_hook(before),
            module.register_forward_hook(after, with_kwargs=True),
        ]

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if not self._leaves:
            self._note(*_called(func), args, kwargs or {}, result)
        return result

    def is_value(self, node: fx.Node, tensor: Tensor) -> None:
        """From now on `tensor` is what `node` gives."""
        self._nodes[id(tensor)] = node
        self._alive.append(tensor)
        node.meta["tensor_meta"] = SimpleNamespace(shape=tuple(tensor.shape))

    def _note(self, kind: str, target: Any, args: Any, kwargs: Any, result: Any) -> None:
        values = [each for each in tree_leaves(result) if isinstance(each, Tensor)]
        if not values:
            return
        node = self.graph.create_node(kind, target, self._told(args), self._told(kwargs))
        self._place(node)
        if isinstance(result, Tensor):
            self.is_value(node, result)
            return
        for index, value in enumerate(values):
            part = self.graph.call_function(operator.getitem, (node, index))
            self._place(part)
            self.is_value(part, value)

    def _place(self, node: fx.Node) -> None:
        node.meta["nn_module_stack"] = {path: (path, None) for path in self._callers}

    def _told(self, value: Any) -> Any:
        """Arguments as a node has them: of tensors where they come from; None for other objects."""
        if isinstance(value, Tensor):
            return self._nodes.get(id(value))
        if isinstance(value, tuple | list):
            return tuple(self._told(each) for each in value)
        if isinstance(value, dict):
            return {str(key): self._told(each) for key, each in value.items()}
        return value if isinstance(value, int | float | str) else None


def _called(func: Callable[..., Any]) -> tuple[str, Any]:
    """Kind and target of a node that calls `func`, as torch.fx has them."""
    name = getattr(func, "__name__", "")
    if getattr(torch.Tensor, name, None) is not func:
        return "call_function", func
    if name.startswith("__") and hasattr(operator, name):
        return "call_function", getattr(operator, name.strip("_"), getattr(operator, name))
    return "call_method", name
