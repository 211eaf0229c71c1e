"""`binarize`: a real-valued network, taken apart and put together again with a method's layers."""

from __future__ import annotations

import copy
import operator
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import fx, nn

from signbit import methods
from signbit.binarizing.activations import never_negative
from signbit.binarizing.choosing import Layers, follower
from signbit.binarizing.layers import OverFeatures, binary_layer, normalised
from signbit.binarizing.report import BINARY, REAL, Change, Report
from signbit.binarizing.tracing import add_module, module_of, place, shape, traced
from signbit.compiler.compile import check as refusals_of
from signbit.errors import CompileError, InputError
from signbit.methods.base import Method

__all__ = ["Binarized", "binarize"]

_SUMS: tuple[Any, ...] = (operator.add, operator.iadd, torch.add, "add", "add_")


class Binarized(fx.GraphModule):
    """A network that `binarize` has made. Its tensors have the names that they had before.

    What was added lies in `added`. It computes in the graph that was traced, so a forward of the
    class that it came from is not called any more.
    """

    report: Report
    input_size: tuple[int, int]

    def __deepcopy__(self, memo: dict[int, Any]) -> Binarized:
        other = cast(Binarized, super().__deepcopy__(memo))
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

    model: takes images (N, C, H, W); its forward must be one that torch.fx follows. method: a
    `Method` or the name of one. keep: paths of layers, or of modules with layers inside, that stay
    real; by default the first and the last ones do. input_size: (height, width, channels), or
    (height, width) where the first convolution says how many channels there are; by default
    `model.input_size`.

    Layers keep their weights as latent ones, biases go into the normalisation behind, and a layer
    without one gets a batch normalisation. A ReLU, or what else is never negative, in front of
    signs is replaced by the method's non-linearity, as all signs would be +1. With `shortcuts`
    every binary convolution whose result has its input's shape gets a shortcut around it, where the
    method wants that (`Method.shortcuts`) and no sum follows already. The result needs training:
    `signbit.training.fit`. Its `report` says what was replaced, what stayed, and why.

    With `check` the result is compiled on trial. Raises CompileError with what cannot be compiled,
    InputError for a model whose forward cannot be followed and for names that no layer has, and
    RecipeError for an unknown method.
    """
    if not isinstance(model, nn.Module):
        raise InputError(f"binarize: model must be an nn.Module, is {type(model).__name__}")
    chosen = methods.get(method) if isinstance(method, str) else method
    height, width, channels = _size(model, input_size)
    like = next(model.parameters(), torch.empty(0))
    images = torch.zeros(2, channels, height, width, dtype=like.dtype, device=like.device)
    root = traced(copy.deepcopy(model), images)
    work = _Work(root, chosen)
    for node, why in [*Layers(root, keep)]:
        work.layer(node, why)
    for node, real in work.binary:
        work.around(node, real, shortcuts=shortcuts)
    work.replace_activations()
    root.graph.lint()
    result = Binarized(root, root.graph)
    result.train(model.training)
    result.input_size = (height, width)
    result.report = work.report()
    if check:
        evaluating = copy.deepcopy(result).eval()
        refused = refusals_of(evaluating, input_size=(height, width, channels))
        if refused:
            raise CompileError(*refused)
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

    def report(self) -> Report:
        """All that was done."""
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
        normal, added = normalised(self.root, node, real)
        if added:
            why = "a normalisation follows signs" if "Norm" in added else "the layer's own bias"
            self._tell(node, path, "norm" if "Norm" in added else "bias", added, why)
        if shortcuts and self.method.shortcuts and not isinstance(real, nn.Linear):
            self._shortcut(node, normal, path)

    def _shortcut(self, node: fx.Node, normal: fx.Node, path: str) -> None:
        source = node.all_input_nodes[0]
        after = follower(self.root, normal, (nn.Dropout, nn.Identity))
        if after is not None and after.target in _SUMS:
            self._tell(node, path, "shortcut", "as it was", "the network has one there")
            return
        if shape(source) != shape(normal):
            self._tell(node, path, "shortcut", "none", "input and result have other shapes")
            return
        users = list(normal.users)
        with self.root.graph.inserting_after(normal):
            total = self.root.graph.call_function(operator.add, (normal, source))
        total.meta = dict(normal.meta)
        for user in users:
            user.replace_input_with(normal, total)
        self._tell(node, path, "shortcut", "added", "what signs lose goes past them")

    def replace_activations(self) -> None:
        """The method's non-linearity in the place of each ReLU that signs are taken behind."""
        for node in sorted(self._activations, key=self._order.__getitem__):
            sides = shape(node)
            assert sides is not None
            module = module_of(self.root, node)
            kind = str(node.target if module is None else type(module).__name__)
            kind = getattr(node.target, "__name__", kind) if module is None else kind
            source = node.all_input_nodes[0]
            tokens = len(sides) == 3 and self._is_read_by_linear(node)
            new = self.method.nonlinearity(sides[-1] if tokens else sides[1])
            name = type(new).__name__
            like = next(self.root.parameters(), torch.empty(0))
            self._tell(node, place(self.root, node), kind, name, "all signs would be +1")
            if isinstance(new, nn.Identity):
                node.replace_all_uses_with(source)
                self.root.graph.erase_node(node)
                continue
            new = new.to(like.device, like.dtype)
            add_module(self.root, node, OverFeatures(new) if tokens else new, source)

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
