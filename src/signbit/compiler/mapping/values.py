"""The graph being built, from its inputs on, and what each exported value became."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from torch.export import ExportedProgram
from torch.fx import Node as FxNode

from signbit.compiler.checks.silent_floats import KeptReal
from signbit.compiler.inputs import ModelInput
from signbit.compiler.ir import IMAGE, INPUTS, Graph, Node, Origin, Shape, Step
from signbit.compiler.mapping.choices import realised
from signbit.errors import CompileError, Refusal
from signbit.words import counted

__all__ = ["Tracer", "add_inputs", "refuse_unused"]


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
        return self.values_of(node) if node.is_sign else node

    def values_of(self, node: Node) -> Node:
        """A node that has a value as reals, of signs −1 and +1; every reader shares it."""
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


def add_inputs(tracer: Tracer, program: ExportedProgram, inputs: Sequence[ModelInput]) -> None:
    """Begin a graph with the inputs of an exported model, in its order.

    Raises CompileError where it takes another number of tensors.
    """
    taken = program.graph_signature.user_inputs
    if len(taken) != len(inputs):
        wanted = "one tensor of images" if len(inputs) == 1 else counted(len(inputs), "tensor")
        raise CompileError(f"the model must take {wanted}; it has {counted(len(taken), 'input')}")
    exported = {fx.name: fx for fx in program.graph.nodes}
    alone = len(inputs) == 1
    for name, given in zip(taken, inputs, strict=True):
        fx, origin = exported[name], Origin(name, "", "input")
        tracer.batch = str(fx.meta["val"].shape[0])
        if given.kind == "image":
            _add_image(tracer, fx, given, alone)
        else:
            tracer.graph.add(Node(given.name, "reals", (), Shape(*given.shape), origin))
            tracer.values[fx] = given.name


def _add_image(tracer: Tracer, fx: FxNode, given: ModelInput, alone: bool) -> None:
    graph, shape = tracer.graph, Shape(*given.shape)
    name, normalised = (IMAGE, "normalised") if alone else (given.name, f"{given.name}.normalised")
    graph.add(Node(name, "image", (), shape, Origin("", "", "image")))
    scale = 1 / (255 * np.array(given.std, np.float64))
    shift = -np.array(given.mean, np.float64) / np.array(given.std, np.float64)
    affine = Step("affine", {"scale": scale, "shift": shift})
    origin = Origin(fx.name, "", "input")
    normalised = graph.unique(normalised)
    graph.add(Node(normalised, "identity", (name,), shape, origin, steps=(affine,)))
    tracer.values[fx] = normalised


def refuse_unused(graph: Graph) -> None:
    """Refuse each of several inputs that no output depends on, of a graph that is whole."""
    if graph.refused or len(graph.inputs) == 1:
        return
    needed = set(graph.outputs.values())
    for node in reversed(list(graph)):
        if node.name in needed:
            needed.update(node.inputs)
        elif node.op in INPUTS:
            reason = f"inputs[{node.name!r}]: no output of the model depends on it"
            graph.refused.append(Refusal("", "", reason, "leave it out, of forward too"))
