"""A network of a list of nodes, in the order that they are computed in."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor, nn

from signbit.errors import InputError, RecipeError
from signbit.models.graph.functions import FUNCTIONS
from signbit.models.graph.parts import PARTS

__all__ = ["IMAGE", "GraphNetwork", "GraphNode", "is_free_name", "made"]

IMAGE = "image"
"""What nodes call the network's input."""

_NAME = re.compile(r"[A-Za-z]\w{0,99}", re.ASCII)


class Node(Protocol):
    """What a node says, whoever stores it."""

    @property
    def name(self) -> str:
        """Its own, under which others read it."""

    @property
    def op(self) -> str:
        """One of `FUNCTIONS` or `PARTS`."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of nodes before it, or `IMAGE`."""

    @property
    def args(self) -> Mapping[str, Any]:
        """Plain values: numbers, flags, texts and lists of such."""


@dataclass(frozen=True)
class GraphNode:
    """A node, as `Node` has it."""

    name: str
    op: str
    inputs: tuple[str, ...] = ()
    args: Mapping[str, Any] = field(default_factory=dict)


class _Function(nn.Module):
    """A function of a node's inputs as a module, so that the node has a name in the compiler."""

    def __init__(self, function: Callable[..., Tensor], args: Mapping[str, Any]) -> None:
        super().__init__()
        self.function, self.args = function, dict(args)

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(*inputs, **self.args)

    def extra_repr(self) -> str:
        return ", ".join([self.function.__name__.strip("_"), *map(str, self.args.values())])


def made(node: Node) -> nn.Module:
    """The module of a node. Raises RecipeError for an unknown operation or arguments it lacks."""
    try:
        if node.op in PARTS:
            return PARTS[node.op](**node.args)
        if node.op in FUNCTIONS:
            _require_fits(FUNCTIONS[node.op], node)
            return _Function(FUNCTIONS[node.op], node.args)
    except (TypeError, ValueError, InputError, RecipeError, RuntimeError) as error:
        raise RecipeError(f"graph: node {node.name} ({node.op}): {error}") from None
    choices = ", ".join(sorted({**PARTS, **FUNCTIONS}))
    raise RecipeError(f"graph: node {node.name}: unknown op {node.op!r}; choose one of {choices}")


def _require_fits(function: Callable[..., Tensor], node: Node) -> None:
    """Raise TypeError where the function has not such arguments; PyTorch's own have none."""
    try:
        signature = inspect.signature(function)
    except ValueError:
        if node.args:
            raise TypeError(f"takes no arguments, got {', '.join(node.args)}") from None
        return
    signature.bind(*node.inputs, **node.args)


class GraphNetwork(nn.Module):
    """The value of the last node, of normalised images (N, C, H, W).

    input_size: (height, width). Every node reads the image, or nodes before it, by name. Raises
    RecipeError, which names the node, for an unknown operation or argument, a name that is taken or
    is none, and an input that no node before yields.

    >>> nodes = [GraphNode("flat", "reshape", ("image",), {"shape": [16]})]
    >>> GraphNetwork((4, 4), nodes)(torch.zeros(2, 1, 4, 4)).shape
    torch.Size([2, 16])
    """

    def __init__(self, input_size: Sequence[int], nodes: Sequence[Node]) -> None:
        super().__init__()
        self.input_size = tuple(input_size)
        if not nodes:
            raise RecipeError("graph: has no nodes, so that nothing is computed")
        known = {IMAGE}
        for node in nodes:
            if node.name in known or not is_free_name(node.name):
                raise RecipeError(f"graph: node {node.name!r}: the name is taken, or is none")
            missing = [name for name in node.inputs if name not in known]
            if missing:
                raise RecipeError(
                    f"graph: node {node.name} reads {missing[0]!r}, which no node before it yields"
                )
            self.add_module(node.name, made(node))
            known.add(node.name)
        last = {name: place for place, node in enumerate(nodes) for name in node.inputs}
        self._steps = [
            (node.name, node.inputs, [name for name in {*node.inputs} if last[name] == place])
            for place, node in enumerate(nodes)
        ]

    def forward(self, image: Tensor) -> Tensor:
        values = {IMAGE: image}
        for name, inputs, done in self._steps:
            value: Tensor = self.get_submodule(name)(*[values[each] for each in inputs])
            for each in done:
                del values[each]
            values[name] = value
        return value


def is_free_name(name: str) -> bool:
    """Whether a node may have the name: letters, digits and _, and no word of modules' own."""
    return bool(_NAME.fullmatch(name)) and name != IMAGE and name not in _TAKEN


_TAKEN = {*dir(nn.Module()), "input_size", "_steps"}
