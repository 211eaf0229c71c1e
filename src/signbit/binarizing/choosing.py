"""Which layers of a network become binary, and why each of the others stays real."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn
from torch.nn.utils import parametrize

from signbit.binarizing.activations import never_negative
from signbit.binarizing.tracing import LAYERS, ancestors, module_of, place, shape
from signbit.errors import InputError
from signbit.nn.select.modules import altered
from signbit.words import listed

__all__ = ["Layers", "follower"]

_BINARY: dict[type[nn.Module], str] = {
    nn.Conv1d: "convolution",
    nn.Conv2d: "convolution",
    nn.ConvTranspose2d: "convolution",
    nn.Linear: "linear layer",
}
_FORWARDS: dict[type[nn.Module], Any] = {kind: kind.forward for kind in _BINARY}
_CONVOLVES: dict[type[nn.Module], Any] = {
    kind: getattr(kind, "_conv_forward", None) for kind in _BINARY
}
_CALLS: tuple[Any, ...] = (
    *(F.conv1d, F.conv2d, F.conv3d, F.conv_transpose1d, F.conv_transpose2d, F.linear),
)
_GATES = (nn.Sigmoid, nn.Hardsigmoid, nn.Softmax)
_GATE_CALLS: tuple[Any, ...] = (
    *(torch.sigmoid, F.sigmoid, F.hardsigmoid, torch.softmax, F.softmax, "sigmoid", "softmax"),
)
_PASSES = (nn.BatchNorm1d, nn.BatchNorm2d, nn.Dropout, nn.Flatten, nn.Identity, nn.Unflatten)


class Layers:
    """The layers of a network, in the order of its graph, and the verdict on each."""

    def __init__(self, root: nn.Module, graph: fx.Graph, keep: Sequence[str] | None) -> None:
        self._root = root
        self._keep = keep
        self.calls = [node for node in graph.nodes if self._is_layer(node)]
        self._paths = Counter(id(value) for value in _parameters(root))
        known = [str(node.target) for node in self.calls if node.op == "call_module"]
        for name in keep or ():
            if not any(_inside(path, name) for path in known):
                near = difflib.get_close_matches(name, known, n=3, cutoff=0)
                raise InputError(f"keep: no layer is called {name!r}; nearest: {listed(near)}")

    def __iter__(self) -> Iterator[tuple[fx.Node, str]]:
        """Each call of a layer with the reason why it stays real; "" where it becomes binary.

        A layer that is called twice is binary in both places or in none.
        """
        verdicts = {node: self._why_real(node) for node in self.calls}
        by_path: dict[str, str] = {}
        for node, why in verdicts.items():
            path = place(self._root, node)
            by_path[path] = by_path.get(path) or why
        for node in self.calls:
            yield node, verdicts[node] or by_path[place(self._root, node)]

    def _is_layer(self, node: fx.Node) -> bool:
        return isinstance(module_of(self._root, node), LAYERS) or node.target in _CALLS

    def _why_real(self, node: fx.Node) -> str:
        module, path = module_of(self._root, node), place(self._root, node)
        if module is None:
            return "a function, whose weight is no layer's; make it a module"
        if self._keep is None:
            if not any(each in self.calls for each in ancestors(node)):
                return "a first layer"
            if not any(node in ancestors(each) for each in self.calls):
                return "a last layer"
        elif any(_inside(path, name) for name in self._keep):
            return "named in keep"
        return _why_no_binary_form(module) or self._why_here(node, module)

    def _why_here(self, node: fx.Node, module: nn.Module) -> str:
        if self._paths[id(module.weight)] > 1:
            return "its weight is another layer's, too"
        after = follower(self._root, node, _PASSES)
        if after is not None and (
            isinstance(module_of(self._root, after), _GATES) or after.target in _GATE_CALLS
        ):
            return "what it computes is a gate, a share from 0 to 1"
        if isinstance(module, nn.Conv1d | nn.Conv2d) and self._projects(node, module):
            return "the projection of a shortcut, which carries what signs lose"
        source = node.args[0] if node.args else None
        if len(node.args) != 1 or not isinstance(source, fx.Node) or shape(node) is None:
            return "it is called with more than one tensor"
        origin = never_negative(self._root, source)
        if origin is not None and not origin.activations:
            names = sorted({each.name for each in origin.others})
            return f"its input is never negative ({listed(names)}), so all signs would be +1"
        return ""

    def _projects(self, node: fx.Node, module: nn.Conv1d | nn.Conv2d) -> bool:
        """Whether a convolution of single pixels leads from a block's input to its sum."""
        if set(module.kernel_size) != {1}:
            return False
        added = follower(self._root, node, _PASSES)
        if added is None or len(added.all_input_nodes) != 2:
            return False
        start = node.all_input_nodes[0]
        below = [each for each in added.all_input_nodes if node not in (each, *ancestors(each))]
        return len(below) == 1 and any(
            each in self.calls and start in ancestors(each)
            for each in (below[0], *ancestors(below[0]))
        )


def follower(
    root: nn.Module, node: fx.Node, passes: tuple[type[nn.Module], ...] = ()
) -> fx.Node | None:
    """The only call that takes the node's value, behind modules of the kinds `passes`."""
    while len(node.users) == 1:
        (node,) = node.users
        if not isinstance(module_of(root, node), passes) or not passes:
            return node
    return None


def _why_no_binary_form(module: nn.Module) -> str:
    kind = next((each for each in _BINARY if isinstance(module, each)), None)
    name = type(module).__name__
    if kind is None:
        return f"signbit has no binary {name}"
    if parametrize.is_parametrized(module):
        return "its weight is made of other parameters"
    reason = altered(module, _FORWARDS[kind])
    if reason is None and getattr(type(module), "_conv_forward", None) is not _CONVOLVES[kind]:
        reason = f"{name} convolves in its own way"
    if reason is not None:
        return reason
    if isinstance(module, nn.ConvTranspose2d):
        sides = zip(module.kernel_size, module.stride, strict=True)
        if set(module.dilation) != {1} or any(side < step for side, step in sides):
            return "signbit's transposed convolutions have no dilation and no holes"
    if isinstance(module, nn.Conv1d | nn.Conv2d):
        if module.padding_mode != "zeros":
            return f"padding_mode={module.padding_mode!r}; put a padding module before it"
        if module.padding == "same" and any(
            step * (side - 1) % 2
            for side, step in zip(module.kernel_size, module.dilation, strict=True)
        ):
            return "padding='same' is uneven here; put a padding module before it"
        if module.groups == module.in_channels > 1:
            return "each filter sees one channel, of which a few signs say too little"
    return ""


def _inside(path: str, name: str) -> bool:
    return path == name or path.startswith(f"{name}.")


def _parameters(root: nn.Module) -> Iterator[nn.Parameter]:
    """The parameters of every module, each as often as a module has it."""
    for module in root.modules():
        yield from module._parameters.values()  # type: ignore[misc]
