"""A network's forward as a graph of calls, with the shape of every tensor: `torch.fx`.

What depends on the mode of training is made a module, as a graph has no modes.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from signbit.errors import InputError
from signbit.nn.module_state import unchanged

__all__ = [
    "LAYERS",
    "add_module",
    "ancestors",
    "changes_in_place",
    "does_not_take",
    "is_leaf",
    "module_of",
    "place",
    "shape",
    "traced",
]

LAYERS: tuple[type[nn.Module], ...] = (
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
    nn.Linear,
    nn.Bilinear,
    nn.MultiheadAttention,
    nn.RNNBase,
)
"""Modules with weights that are multiplied with what goes in."""

_DROPOUTS: dict[Any, type[nn.Module]] = {
    F.dropout: nn.Dropout,
    F.dropout1d: nn.Dropout1d,
    F.dropout2d: nn.Dropout2d,
    F.dropout3d: nn.Dropout3d,
    F.alpha_dropout: nn.AlphaDropout,
}


class _UnfollowedError(Exception):
    """A forward is no graph; the text says where and why."""


class _Tracer(fx.Tracer):
    """Layers are not followed inside, whoever wrote them."""

    def is_leaf_module(self, module: nn.Module, path: str) -> bool:
        if isinstance(module, LAYERS) or type(module).__module__.startswith("signbit.nn."):
            return True
        return super().is_leaf_module(module, path)


def is_leaf(module: nn.Module, path: str) -> bool:
    """Whether a module is one call, into which nobody looks."""
    return _Tracer().is_leaf_module(module, path)


def does_not_take(images: torch.Tensor, error: Exception) -> InputError:
    """What is said of a model that failed on `images` with `error`."""
    cause = str(error).splitlines()[0] if str(error) else type(error).__name__
    return InputError(
        f"binarize: the model does not take images of {tuple(images.shape)}: {cause}; say "
        "input_size=(height, width, channels)"
    )


def traced(model: nn.Module, images: torch.Tensor) -> fx.GraphModule | str:
    """The model as a graph that holds the model's own modules; shapes are those for `images`.

    Text says why its forward cannot be followed. Raises InputError where it takes no such images.
    """
    try:
        training, evaluating = _graph(model, training=True), _graph(model, training=False)
        root = fx.GraphModule(model, training)
        _settle_modes(root, evaluating)
    except _UnfollowedError as reason:
        return str(reason)
    for node in root.graph.nodes:
        if type(module_of(root, node)) is nn.Identity:
            node.replace_all_uses_with(node.args[0])
            root.graph.erase_node(node)
    root.train(model.training)
    try:
        with torch.no_grad(), unchanged(root):
            ShapeProp(root.eval()).propagate(images)
    except Exception as error:
        raise does_not_take(images, error) from error
    return root


def _graph(model: nn.Module, *, training: bool) -> fx.Graph:
    tracer = _Tracer()
    modes = {module: module.training for module in model.modules()}
    try:
        return tracer.trace(model.train(training))
    except Exception as error:
        where = tracer.scope.module_path or "the model"
        cause = str(error).splitlines()[0].split(". ")[0] if str(error) else type(error).__name__
        raise _UnfollowedError(f"the forward of {where} cannot be followed: {cause}") from error
    finally:
        for module, mode in modes.items():
            module.training = mode


def _settle_modes(root: fx.GraphModule, evaluating: fx.Graph) -> None:
    """Dropouts that ask for the mode become modules; all else that does cannot be followed."""
    others, nodes = list(evaluating.nodes), list(root.graph.nodes)
    pairs = zip_longest(nodes, others)
    differing = [(node, other) for node, other in pairs if not _same(node, other)]
    for node, other in differing:
        if None in (node, other) or node.target is not other.target:
            where = "the model" if node is None else place(root, node)
            raise _UnfollowedError(f"{where} computes otherwise in training than in evaluation")
        if node.target not in _DROPOUTS:
            raise _UnfollowedError(
                f"{place(root, node)} calls {node.name} otherwise in training than in evaluation"
            )
        chance = node.kwargs.get("p", node.args[1] if len(node.args) > 1 else 0.5)
        add_module(root, node, _DROPOUTS[node.target](chance), node.args[0])
    root.graph.lint()


def _same(node: fx.Node | None, other: fx.Node | None) -> bool:
    if node is None or other is None:
        return False
    one, two = ((each.op, each.target, str((each.args, each.kwargs))) for each in (node, other))
    return one == two


def add_module(root: fx.GraphModule, node: fx.Node, module: nn.Module, *inputs: object) -> fx.Node:
    """Put a new module in the place of `node`, called with `inputs`; the node that calls it.

    All that is added lies in `root.added`, so that the names of what was there stay as they were.
    """
    if not hasattr(root, "added"):
        root.add_module("added", nn.Module())
    added = root.get_submodule("added")
    name = node.name
    while hasattr(added, name):
        name += "_"
    added.add_module(name, module.train(root.training))
    with root.graph.inserting_after(node):
        call = root.graph.call_module(f"added.{name}", ())
    call.meta = dict(node.meta)
    node.replace_all_uses_with(call)
    call.args = inputs  # type: ignore[assignment]
    if node not in inputs:
        root.graph.erase_node(node)
    return call


def module_of(root: nn.Module, node: fx.Node) -> nn.Module | None:
    """The module that a node calls, or None where it calls none."""
    return root.get_submodule(str(node.target)) if node.op == "call_module" else None


def place(root: nn.Module, node: fx.Node) -> str:
    """Path of the module that the node calls, or of the one whose forward has the call."""
    if node.op == "call_module":
        return str(node.target)
    stack = node.meta.get("nn_module_stack") or {}
    paths = [path for path, _ in stack.values()]
    return str(paths[-1]) if paths and paths[-1] else "the model"


def shape(node: fx.Node) -> tuple[int, ...] | None:
    """The shape of a node's tensor; None where it is not one tensor."""
    meta = node.meta.get("tensor_meta")
    sides = getattr(meta, "shape", None)
    return None if sides is None else tuple(sides)


def ancestors(node: fx.Node) -> Iterator[fx.Node]:
    """All nodes that a node's value comes from, each once; not itself."""
    seen: set[fx.Node] = set()
    left = list(node.all_input_nodes)
    while left:
        each = left.pop()
        if each not in seen:
            seen.add(each)
            yield each
            left += each.all_input_nodes


def changes_in_place(root: nn.Module, node: fx.Node) -> bool:
    """Whether a call may change what goes in."""
    name = str(getattr(node.target, "__name__", node.target))
    if node.op == "call_module":
        return bool(getattr(module_of(root, node), "inplace", False))
    return name.endswith("_") or name in _IN_PLACE or bool(node.kwargs.get("inplace", False))


_IN_PLACE = ("iadd", "isub", "imul", "itruediv", "setitem")
