"""The graph being built, and what each exported value became."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from torch.fx import Node as FxNode

from signbit.compiler.checks.silent_floats import KeptReal
from signbit.compiler.ir import Graph, Node
from signbit.compiler.mapping.choices import realised
from signbit.errors import CompileError

__all__ = ["Tracer"]


class Tracer:
    """The graph being built, and what each exported node became."""

    def __init__(self) -> None:
        self.graph = Graph()
        self.values: dict[FxNode, str] = {}
        """Exported node -> the value it became, for what depends on the image."""
        self.results: dict[FxNode, list[str]] = {}
        """Exported node with several results -> what each of them became, as far as it did."""
        self.constants: dict[FxNode, Any] = {}
        """Exported node -> its result, for what depends on parameters alone."""
        self.batch = ""
        """The symbol of the batch size."""
        self.kept_real: Mapping[str, KeptReal] = {}
        """Module path of a binary layer -> which of its operands are meant to be real."""
        self.any_size = False
        """Whether the graph must hold for images of any height and width."""
        self.lost: dict[str, CompileError] = {}
        """Layer meant to multiply signs -> why it does not."""
        self.unknown: dict[FxNode, list[Node]] = {}
        """Exported node that was refused, or computed of one that has no value since -> of what it
        is computed."""
        self.in_training: Collection[str] = ()
        """Paths of the modules that were left in training mode."""
        self.realised: dict[str, Node] = {}
        """Choice -> what those read that need its values."""

    def computed(self, node: Node) -> Node:
        """The node; of a choice its sign or reals, which every reader of them shares."""
        if node.op == "choice" and node.name not in self.realised:
            self.realised[node.name] = realised(self.graph, node, self.as_real)
        return self.realised.get(node.name, node)

    def as_real(self, node: Node) -> Node:
        """The node; of signs −1 and +1 as reals, which every reader of them shares."""
        if not node.is_sign:
            return node
        for reader in self.graph.readers(node.name):
            if reader.op == "identity" and not reader.steps:
                return reader
        name = self.graph.unique(f"{node.name}.values")
        origin = node.origin._replace(signed="")
        return self.graph.add(Node(name, "identity", (node.name,), node.shape, origin))

    def is_of_unknown(self, node: Node) -> bool:
        """Whether a refused call decides, with no layer in between, what kind of value it is."""
        pending, seen = [node.name], {node.name}
        while pending:
            node = self.graph[pending.pop()]
            if node.op == "unknown":
                return True
            before = set(node.inputs) - seen if node.weight is None else set()
            pending += before
            seen |= before
        return False
