"""From the compiler's graph to the file's: numbered tensors and constants, steps, outputs.

Signs become outputs of the node whose value they compare; reals are stored where somebody other
than a sign reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from signbit.bitformat.graph import Node as FileNode
from signbit.bitformat.graph import Output, Step
from signbit.compiler import ir
from signbit.compiler.constants import Constant, NumberedConstants
from signbit.compiler.lower_steps import keys_of, steps_of

__all__ = ["Lowered", "Provenance", "lower"]

_NO_SIGNS = "it ends in signs: leave the last one out, or put a linear layer behind it"


@dataclass(frozen=True)
class Provenance:
    """Where a tensor or a node of the file comes from."""

    export: str
    """Node of the exported graph that yields the same value; empty where PyTorch has none."""
    module: str
    """Path of the module that called it; empty for the model itself."""
    op: str
    """The operation, as PyTorch names it."""
    signed: str = ""
    """For a bits tensor: the node of the exported graph whose sign it holds."""
    steps: tuple[Step, ...] = ()
    """For a bits tensor: the per-channel maths that its threshold has taken over, in order."""
    is_of_pixels: bool = False
    """For a bits tensor: whether each sign is one pixel's, by PyTorch's own answer. (Not behind a
    convolution, which PyTorch may round otherwise in a batch of another size.)"""
    beside: tuple[str, ...] = ()
    """For a node that does the work of several: the others, whose channels follow."""
    order: tuple[int, ...] = ()
    """For flattened features: PyTorch's feature at each place; empty where the order is equal."""
    phase: int | None = None
    """Of a transposed convolution's squares: the one pixel that is yielded, where not all are."""

    def renamed(self, names: Mapping[str, str]) -> Provenance:
        """The same, of an export that has other names: old -> new."""
        return replace(
            self,
            export=names.get(self.export, ""),
            signed=names.get(self.signed, ""),
            beside=tuple(names[name] for name in self.beside),
        )


@dataclass(frozen=True)
class Lowered:
    """The file's nodes and constants, and where they come from."""

    outputs: dict[str, int]
    """Name of each output → its tensor."""
    nodes: tuple[FileNode, ...]
    constants: dict[str, Constant]
    tables: tuple[int | None, ...]
    """Of each input the constant that takes the place of its pixels, if there is one."""
    node_provenance: dict[str, Provenance]
    """Name of a node → where it comes from."""
    tensor_provenance: dict[int, Provenance]
    """Number of a tensor → where it comes from."""


def lower(graph: ir.Graph) -> Lowered:
    """Lower a graph whose only operations are the file's, the inputs and `sign`.

    Raises CompileError with all that was refused of it, a result of signs among it.
    """
    for value in dict.fromkeys(graph.outputs.values()):
        if graph[value].is_sign:
            error = ir.refuse(graph[value].origin, "the network must end in reals", _NO_SIGNS)
            graph.refused += error.refusals
    graph.require_nothing_refused()
    lowering = _Lowering(graph)
    for node in graph:
        if node.op in ir.INPUTS:
            lowering.add_input(node)
    for node in graph:
        if node.op != "sign":
            lowering.add(node)
    return Lowered(
        {name: lowering.numbers[value] for name, value in graph.outputs.items()},
        tuple(lowering.nodes),
        lowering.constants.arrays,
        tuple(lowering.tables),
        lowering.node_provenance,
        lowering.tensor_provenance,
    )


class _Lowering:
    def __init__(self, graph: ir.Graph) -> None:
        self.graph = graph
        self.numbers: dict[str, int] = {}
        """Value, or value and groups -> the file's tensor."""
        self.nodes: list[FileNode] = []
        self.constants = NumberedConstants()
        self.tables: list[int | None] = []
        self.node_provenance: dict[str, Provenance] = {}
        self.tensor_provenance: dict[int, Provenance] = {}

    def add(self, node: ir.Node) -> None:
        readers = self.graph.readers(node.name)
        signs = [reader for reader in readers if reader.op == "sign"]
        if node.op in ir.INPUTS:
            if signs:
                self.add_input_signs(node, signs)
            return
        stored = len(readers) > len(signs) or self.graph.is_output(node.name)
        if node.is_sign:
            stored, signs = False, [node]
        title = node.title or node.name
        self.node_provenance[title] = _provenance(node.body_origin)
        inputs = [self.operand(node, name) for name in node.inputs[: node.arity]]
        first = node.arity if node.rule.many else 0

        def place(name: str) -> int:
            """Where the node reads a value; it does from now on."""
            if self.numbers[name] not in inputs[first:]:
                inputs.append(self.numbers[name])
            return inputs.index(self.numbers[name], first)

        keys = keys_of(node, self.constants)
        steps = steps_of(node, self.constants, place)
        outputs = []
        if stored:
            self.declare(node.name, node)
            outputs.append(Output())
        for sign in signs:
            outputs += self.sign_outputs(sign, bool(steps))
        self.nodes.append(FileNode(title, node.op, tuple(inputs), keys, steps, tuple(outputs)))

    def add_input(self, given: ir.Node) -> None:
        table = given["table"] if given.op == "image" else None
        self.tables.append(None if table is None else self.constants.number(table))
        self.declare(given.name, given)

    def add_input_signs(self, given: ir.Node, signs: list[ir.Node]) -> None:
        """Signs of an input's values need a node to write them."""
        title = self.graph.unique("pixels" if given.name == ir.IMAGE else f"{given.name}.signs")
        self.node_provenance[title] = _provenance(given.origin)
        outputs = [output for sign in signs for output in self.sign_outputs(sign, False)]
        inputs = (self.numbers[given.name],)
        self.nodes.append(FileNode(title, "identity", inputs, outputs=tuple(outputs)))

    def sign_outputs(self, sign: ir.Node, steps: bool) -> list[Output]:
        """One for each grouping of its readers. steps: whether any follow the operation."""
        after = threshold = flip = None
        values, flips = self.comparison(sign)
        if values is not None and values.dtype == np.int32:
            threshold = self.constants.number(values)
            after = 0 if steps else None
        elif values is not None and values.any():
            threshold = self.constants.number(values)
        if flips is not None and flips.any():
            flip = self.constants.number(flips)
        keys = self.bits_keys(sign).values()
        for key in keys:
            self.declare(key, sign)
        return [Output("signs", after, threshold, flip)] * len(keys)

    def comparison(self, sign: ir.Node) -> tuple[Constant | None, Constant | None]:
        """Threshold and flip; a pool of signs is no longer compared."""
        return (sign["threshold"], sign["flip"]) if sign.op == "sign" else (None, None)

    def bits_keys(self, sign: ir.Node) -> dict[int, str]:
        """Groups of the readers -> key of the bits tensor they read.

        The engine aligns each group's bits, so binary convolutions and sums of signs of different
        groups need tensors of their own; other readers take the first.
        """
        readers = self.graph.readers(sign.name)
        grouped = {r["groups"] for r in readers if r.rule.counts_signs and r["groups"] > 1}
        first, *others = sorted(grouped) or [1]
        keys = {first: sign.name}
        keys |= {groups: f"{sign.name} in {groups} groups" for groups in others}
        return keys

    def operand(self, node: ir.Node, name: str) -> int:
        """The tensor that holds a value which the node's operation reads."""
        source = self.graph[name]
        if source.is_sign:
            groups = node["groups"] if node.has("groups") else 1
            return self.numbers[self.bits_keys(source).get(groups, source.name)]
        return self.numbers[source.name]

    def declare(self, key: str, node: ir.Node) -> None:
        """Number the next tensor."""
        number = len(self.numbers)
        self.numbers[key] = number
        self.tensor_provenance[number] = replace(
            _provenance(node.origin),
            signed=node.origin.signed,
            steps=node["taken_over"] if node.op == "sign" else (),
            is_of_pixels=self.is_of_pixels(node),
        )

    def is_of_pixels(self, node: ir.Node) -> bool:
        """Whether each of a sign's values is one pixel's, compared before any convolution."""
        known = node.op == "sign" and node["pixel_signs"] is not None
        return known and self.graph[node.input].op != "real_conv"


def _provenance(origin: ir.Origin) -> Provenance:
    return Provenance(
        *(origin.export, origin.module, origin.target),
        beside=origin.beside,
        order=origin.order,
        phase=origin.phase,
    )
