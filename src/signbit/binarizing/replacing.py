"""Binary layers in the places of real ones in a network whose forward stays as it is.

What belongs around a layer goes with it into its place. Functions between modules stay, and what
they make of signs is mended in front of the layer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor, fx, nn

from signbit.binarizing.activations import never_negative
from signbit.binarizing.choosing import Layers
from signbit.binarizing.layers import (
    batch_norm_for,
    binary_layer,
    calls,
    following,
    nonlinearity_for,
)
from signbit.binarizing.report import BINARY, REAL, Change
from signbit.binarizing.shortcuts import verdict_on
from signbit.binarizing.tracing import LAYERS, module_of, place, shape
from signbit.methods.base import Method
from signbit.nn.blocks import normalised_conv
from signbit.words import listed

__all__ = ["Surrounded", "replace_modules"]


class Surrounded(nn.Module):
    """norm(layer(before(x))), plus x where there is a shortcut, in the place of a real layer.

    What it does not have itself (`weight`, `in_features`) is the layer's.
    """

    def __init__(
        self,
        layer: nn.Module,
        before: nn.Module | None = None,
        norm: nn.Module | None = None,
        *,
        shortcut: bool = False,
    ) -> None:
        super().__init__()
        self.before = before or nn.Identity()
        self.layer = layer
        self.norm = norm or nn.Identity()
        self.then = nn.Identity()
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        added = x if self.shortcut else None
        return normalised_conv(self.layer, self.norm, self.then, self.before(x), added)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name.startswith("__") or name == "layer":
                raise
            return getattr(self.layer, name)


def replace_modules(
    model: nn.Module,
    graph: fx.Graph,
    method: Method,
    keep: Sequence[str] | None,
    *,
    shortcuts: bool,
) -> list[Change]:
    """Make `model` binary in place, by what `graph` says of its calls; what was done, in order."""
    layers = dict(Layers(model, graph, keep))
    binary = [node for node, why in layers.items() if not why]
    origins = {node: never_negative(model, node.all_input_nodes[0]) for node in binary}
    activations = {each for origin in origins.values() if origin for each in origin.activations}
    tokens = {
        each
        for node, origin in origins.items()
        if origin and isinstance(module_of(model, node), nn.Linear)
        for each in origin.activations
    }
    constant: dict[str, set[str]] = defaultdict(set)
    for node, origin in origins.items():
        staying = [each for each in origin.activations if not _replaceable(each)] if origin else []
        constant[str(node.target)] |= {each.name for each in staying}
    unseen = _unseen(model, graph)
    done: set[str] = set()
    said: list[Change] = []
    for node in graph.nodes:
        where = place(model, node)
        module = module_of(model, node)
        kind = getattr(node.target, "__name__", str(node.target))
        kind = kind if module is None else type(module).__name__
        if node in activations and not _replaceable(node):
            why = "a function stays where it is" if module is None else "it is called twice"
            said.append(Change(where, kind, "as it was", why))
        elif node in activations:
            assert module is not None
            new, name = nonlinearity_for(model, node, method, tokens=node in tokens)
            _put(model, module, new.train(model.training))
            said.append(Change(where, kind, name, "all signs would be +1"))
        elif node in layers and (layers[node] or where not in done):
            why = layers[node]
            said.append(Change(where, kind, REAL if why else BINARY, why))
            if not why:
                assert module is not None
                done.add(where)
                said += _layer(model, node, module, constant[where], method, shortcuts=shortcuts)
    return [*dict.fromkeys(said + unseen)]


def _unseen(model: nn.Module, graph: fx.Graph) -> list[Change]:
    called = {str(node.target) for node in graph.nodes if node.op == "call_module"}
    return [
        Change(path, type(module).__name__, REAL, "the example images never reached it")
        for path, module in model.named_modules()
        if isinstance(module, LAYERS)
        and not any(path == each or path.startswith(f"{each}.") for each in called)
    ]


def _replaceable(node: fx.Node) -> bool:
    return node.op == "call_module" and calls(node) == 1


def _layer(
    model: nn.Module,
    node: fx.Node,
    real: nn.Module,
    constant: set[str],
    method: Method,
    *,
    shortcuts: bool,
) -> Iterator[Change]:
    """Replace a layer that `node` calls first; what else was done.

    constant: what stays in front of it and is never negative.
    """
    path = str(node.target)
    before, norm = None, None
    source = node.all_input_nodes[0]
    if constant:
        before = _centred(real, shape(source) or ())
        why = f"behind {listed(sorted(constant))} all signs would be +1"
        yield Change(path, "input", type(before).__name__, why)
    behind, added = following(model, node, real)
    if added is not None:
        kind, norm = type(added).__name__, added
        why = "a normalisation follows signs" if "Norm" in kind else "the layer's own bias"
        yield Change(path, "norm" if "Norm" in kind else "bias", kind, why)
    verdict = ""
    if shortcuts and method.shortcuts and not isinstance(real, nn.Linear):
        verdict, why = verdict_on(model, node, behind or node)
        if verdict == "added" and calls(node) > 1:
            verdict, why = "none", "the layer is called more than once"
        if verdict == "added" and behind is not None:
            if added is None and calls(behind) == 1 and [*node.users] == [behind]:
                norm = module_of(model, behind)
                assert norm is not None
                _put(model, norm, nn.Identity())
            else:
                verdict, why = "none", "its normalisation is apart from it"
        yield Change(path, "shortcut", verdict, why)
    new: nn.Module = binary_layer(real, method)
    if before or norm or verdict == "added":
        new = Surrounded(new, before, norm, shortcut=verdict == "added")
    _put(model, real, new.train(model.training))


def _centred(real: nn.Module, sides: tuple[int, ...]) -> nn.Module:
    """A normalisation of a layer's input, after which signs of values from 0 on are both."""
    weight = real.weight
    assert isinstance(weight, Tensor)
    if isinstance(real, nn.Linear) and len(sides) > 2:
        return nn.LayerNorm(sides[-1], device=weight.device, dtype=weight.dtype)
    return batch_norm_for(real, sides)


def _put(model: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """`new` in every place where the network has `old`."""
    for module in [*model.modules()]:
        for name, child in module._modules.items():
            if child is old:
                module._modules[name] = new
