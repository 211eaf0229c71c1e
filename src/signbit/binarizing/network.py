"""`binarize`: a real-valued network, taken apart and put together again with a method's layers."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, fx, nn

from signbit import methods
from signbit.binarizing.activations import never_negative
from signbit.binarizing.choosing import Layers
from signbit.binarizing.layers import binary_layer, following, nonlinearity_for
from signbit.binarizing.observing import observed
from signbit.binarizing.replacing import replace_modules
from signbit.binarizing.report import BINARY, REAL, Change, Report
from signbit.binarizing.shortcuts import Shortcuts
from signbit.binarizing.tracing import add_module, module_of, place, traced
from signbit.binarizing.units import join_units
from signbit.compiler.compile import check as refusals_of
from signbit.errors import CompileError, InputError
from signbit.methods.base import Method
from signbit.nn.module_state import unchanged

__all__ = ["Binarized", "binarize"]


class Binarized(nn.Module):
    """A network that `binarize` has made.

    Where its forward could be followed it computes in the graph of that, its tensors have the names
    that they had before, and what was added lies in `added`. Else it is one of the class that it
    comes from, with layers replaced, and the weights of a layer that got something around it lie in
    `layer` below its path.
    """

    report: Report
    input_size: tuple[int, int]


class _Graph(Binarized, fx.GraphModule):
    def __deepcopy__(self, memo: dict[int, Any]) -> _Graph:
        other = cast(_Graph, super().__deepcopy__(memo))
        other.report, other.input_size = self.report, self.input_size
        return other


def binarize(
    model: nn.Module,
    method: str | Method,
    keep: Sequence[str] | None = None,
    *,
    input_size: Sequence[int] | None = None,
    shortcuts: bool = True,
    check: bool = True,
) -> Binarized:
    """A copy of a real-valued network whose convolutions and linear layers are binary.

    model: takes images (N, C, H, W). method: a `Method` or the name of one. keep: paths of layers,
    or of modules with layers inside, that stay real; by default the first and the last ones do.
    input_size: (height, width, channels), or (height, width) where the first convolution says how
    many channels there are; by default `model.input_size`.

    Layers keep their weights as latent ones, biases go into the normalisation behind, and a layer
    without one gets a batch normalisation. A ReLU, or what else is never negative, in front of
    signs is replaced by the method's non-linearity, as all signs would be +1. With `shortcuts`
    every binary convolution whose result has its input's shape gets a shortcut around it, where the
    method wants that (`Method.shortcuts`); those that go around several are moved. The result needs
    training: `signbit.training.fit`. Its `report` says what was replaced, what stayed, and why.

    A forward that torch.fx cannot follow (it decides by values, say) stays as it is: one run on
    random images says who feeds whom, and modules alone are replaced. A ReLU that is a function, or
    a module called twice, stays, and a normalisation goes in front of the layer behind it.

    With `check` the result is compiled on trial. Raises CompileError with what cannot be compiled,
    InputError for names that no layer has, for images of another size than the model takes, and for
    a forward that fails with other layers, and RecipeError for an unknown method.
    """
    if not isinstance(model, nn.Module):
        raise InputError(f"binarize: model must be an nn.Module, is {type(model).__name__}")
    if isinstance(model, torch.jit.ScriptModule) or hasattr(model, "_orig_mod"):
        raise InputError(
            f"binarize: a {type(model).__name__} is compiled already; hand over the module that it "
            "was made of"
        )
    chosen = methods.get(method) if isinstance(method, str) else method
    height, width, channels = _size(model, input_size)
    like = next(model.parameters(), torch.empty(0))
    images = torch.zeros(2, channels, height, width, dtype=like.dtype, device=like.device)
    result = _made(model, chosen, keep, images, shortcuts=shortcuts)
    result.train(model.training)
    result.input_size = (height, width)
    if check:
        evaluating = copy.deepcopy(result).eval()
        refused = refusals_of(evaluating, input_size=(height, width, channels))
        if refused:
            raise CompileError(*refused)
    return result


def _made(
    model: nn.Module,
    method: Method,
    keep: Sequence[str] | None,
    images: Tensor,
    *,
    shortcuts: bool,
) -> Binarized:
    """A binary copy of the model with its report, by its graph, or module by module."""
    copied = copy.deepcopy(model)
    root = traced(copied, images)
    if isinstance(root, str):
        return _by_modules(copied, method, keep, images, root, shortcuts=shortcuts)
    work = _Work(root, method)
    for node, why in [*Layers(root, root.graph, keep)]:
        work.layer(node, why)
    for node, real in work.binary:
        work.around(node, real, shortcuts=shortcuts)
    work.replace_activations()
    join_units(root)
    root.graph.lint()
    result = _Graph(root, root.graph)
    result.report = work.report()
    return result


def _by_modules(
    model: nn.Module,
    method: Method,
    keep: Sequence[str] | None,
    images: Tensor,
    reason: str,
    *,
    shortcuts: bool,
) -> Binarized:
    images = torch.randn(images.shape, generator=torch.Generator().manual_seed(0)).to(images)
    graph = observed(model, images)
    changes = replace_modules(model, graph, method, keep, shortcuts=shortcuts)
    try:
        with torch.no_grad(), unchanged(model):
            model.eval()(images)
    except Exception as error:
        raise InputError(
            f"binarize: with binary layers in it the forward fails ({error}); name the layers "
            "whose attributes it reads in keep"
        ) from error
    # Still one of its own class, for whoever asks.
    kind = type(model)
    model.__class__ = type(kind.__name__, (Binarized, kind), {"__module__": kind.__module__})
    result = cast(Binarized, model)
    result.report = Report(tuple(changes), reason)
    return result


class _Work:
    """The changes to one traced network; they are told in its order."""

    def __init__(self, root: fx.GraphModule, method: Method) -> None:
        self.root = root
        self.method = method
        self.binary: list[tuple[fx.Node, nn.Module]] = []
        self._order = {node: index for index, node in enumerate(root.graph.nodes)}
        self._changes: list[tuple[int, Change]] = []
        self._activations: set[fx.Node] = set()
        self._layers: dict[str, nn.Module] = {}
        self._shortcuts = Shortcuts(root)

    def report(self) -> Report:
        """All that was done."""
        for node, (becomes, why) in self._shortcuts.verdicts.items():
            self._tell(node, place(self.root, node), "shortcut", becomes, why)
        ordered = sorted(self._changes, key=lambda change: change[0])
        return Report(tuple(dict.fromkeys(change for _, change in ordered)))

    def layer(self, node: fx.Node, why: str) -> None:
        """Put a binary layer in the place of a real one, unless there is a reason not to."""
        path, module = place(self.root, node), module_of(self.root, node)
        kind = node.name if module is None else type(module).__name__
        self._tell(node, path, kind, REAL if why else BINARY, why)
        if why:
            return
        assert module is not None
        origin = never_negative(self.root, node.all_input_nodes[0])
        self._activations |= origin.activations if origin else set()
        if path not in self._layers:
            self._layers[path] = module
        self.binary.append((node, self._layers[path]))

    def around(self, node: fx.Node, real: nn.Module, *, shortcuts: bool) -> None:
        """The layer itself, its normalisation and its shortcut."""
        path = str(node.target)
        if self.root.get_submodule(path) is real:
            parent, _, name = path.rpartition(".")
            setattr(self.root.get_submodule(parent), name, binary_layer(real, self.method))
        norm, module = following(self.root, node, real)
        added = None if module is None else add_module(self.root, node, module, node)
        if module is not None:
            kind = type(module).__name__
            why = "a normalisation follows signs" if "Norm" in kind else "the layer's own bias"
            self._tell(node, path, "norm" if "Norm" in kind else "bias", kind, why)
        if shortcuts and self.method.shortcuts and not isinstance(real, nn.Linear):
            self._shortcuts.around(node, norm or added or node)

    def replace_activations(self) -> None:
        """The method's non-linearity in the place of each ReLU that signs are taken behind."""
        for node in sorted(self._activations, key=self._order.__getitem__):
            module = module_of(self.root, node)
            kind = str(node.target if module is None else type(module).__name__)
            kind = getattr(node.target, "__name__", kind) if module is None else kind
            source = node.all_input_nodes[0]
            tokens = self._is_read_by_linear(node)
            new, name = nonlinearity_for(self.root, node, self.method, tokens=tokens)
            self._tell(node, place(self.root, node), kind, name, "all signs would be +1")
            if isinstance(new, nn.Identity):
                node.replace_all_uses_with(source)
                self.root.graph.erase_node(node)
                continue
            add_module(self.root, node, new, source)

    def _is_read_by_linear(self, node: fx.Node) -> bool:
        return any(
            isinstance(real, nn.Linear) and each.all_input_nodes[0] is node
            for each, real in self.binary
        )

    def _tell(self, node: fx.Node, where: str, kind: str, becomes: str, why: str) -> None:
        self._changes.append((self._order[node], Change(where, kind, becomes, why)))


def _size(model: nn.Module, given: Sequence[int] | None) -> tuple[int, int, int]:
    size = getattr(model, "input_size", None) if given is None else given
    if size is None:
        raise InputError(
            "binarize: how large are the images? say input_size=(height, width, channels)"
        )
    sides = tuple(int(side) for side in size)
    if len(sides) == 2:
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                return (sides[0], sides[1], module.in_channels)
    if len(sides) != 3 or min(sides) < 1:
        raise InputError(
            f"binarize: input_size is (height, width, channels), each 1 or more, not {size}"
        )
    return (sides[0], sides[1], sides[2])
