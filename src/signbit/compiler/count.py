"""What a compiled network costs, layer by layer: parameters, operations, bytes. Needs no torch.

As the papers do, FLOPs are multiply-adds of convolutions, linear layers and matrix products with a
real (or int16) operand, BOPs those of two binary ones (zero padding included), OPs = FLOPs + BOPs /
64. Nothing else counts. docs/counting.md says where that gives other figures than the papers print.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.bitformat.graph import Graph, Node, Step
from signbit.bitformat.int16_stem import is_int16
from signbit.bitformat.shapes import windows
from signbit.bitformat.validate import Tensor, validate

__all__ = ["ALLOWED", "LayerCost", "ModelCost", "count"]

ALLOWED = "allow_real"
"""Key of a file's notes that lists the layers which may compute with reals, by name."""

Constant = npt.NDArray[np.generic]
Constants = Mapping[str, Constant]
"""Number of a constant → the constant."""


@dataclass(frozen=True)
class LayerCost:
    """One node of the file."""

    name: str
    op: str
    kind: str
    """binary: computes on bits; real: on floats; int16: on pixels, in integers. Of a convolution
    on floats, binary weights: they are bits in the file (1/32); binary inputs: they are signs
    (32/1)."""
    why: str
    """Why a layer is not binary; empty for a binary one."""
    weight: tuple[int, ...]
    """(out, kh, kw, in / groups); empty where there is none."""
    output: tuple[int, int, int]
    """(height, width, channels) of what it writes"""
    binary_parameters: int
    real_parameters: int
    """Real weights, and per-channel constants but those that change nothing (+ 0, · 1)."""
    bops: int
    flops: int
    bytes: int
    """Size of the node's constants in the file; a shared one counts for its first reader."""

    @property
    def ops(self) -> float:
        """FLOPs + BOPs / 64."""
        return self.flops + self.bops / 64

    def to_dict(self) -> dict[str, Any]:
        """Itself as JSON values."""
        return {**asdict(self), "ops": self.ops}


@dataclass(frozen=True)
class ModelCost:
    """The layers and their sums."""

    layers: tuple[LayerCost, ...]
    bytes: int
    """Size of the whole file."""

    @property
    def binary_parameters(self) -> int:
        """Weights stored in one bit."""
        return sum(layer.binary_parameters for layer in self.layers)

    @property
    def parameters(self) -> int:
        """Binary and real ones. Folding leaves fewer than training has (a threshold for four)."""
        return self.binary_parameters + sum(layer.real_parameters for layer in self.layers)

    @property
    def bits(self) -> int:
        """Bits of all parameters, 1 for a binary and 32 for a real one: the papers' model size."""
        return self.binary_parameters + 32 * (self.parameters - self.binary_parameters)

    @property
    def float32_bytes(self) -> int:
        """Bytes of all parameters at four bytes each."""
        return 4 * self.parameters

    @property
    def bops(self) -> int:
        """Binary multiply-adds for one image."""
        return sum(layer.bops for layer in self.layers)

    @property
    def flops(self) -> int:
        """Real multiply-adds for one image."""
        return sum(layer.flops for layer in self.layers)

    @property
    def ops(self) -> float:
        """FLOPs + BOPs / 64 for one image."""
        return sum(layer.ops for layer in self.layers)

    def to_dict(self) -> dict[str, Any]:
        """Itself as JSON values."""
        return {
            "parameters": self.parameters,
            "binary_parameters": self.binary_parameters,
            "bits": self.bits,
            "bytes": self.bytes,
            "float32_bytes": self.float32_bytes,
            "bops": self.bops,
            "flops": self.flops,
            "ops": self.ops,
            "layers": [layer.to_dict() for layer in self.layers],
        }


def count(graph: Graph, constants: Constants, file_bytes: int) -> ModelCost:
    """The cost of a valid graph; file_bytes is the size of its file."""
    tensors = validate(graph, constants)
    reasons = _reasons(graph, tensors)
    allowed = {
        title
        for name in graph.source.get(ALLOWED, "").split(", ")
        for title in (name, *(f"{name}.{op}" for op in ("binary_conv2d", "binary_linear")))
    }
    layers, seen = [], set[int]()
    for node, written in graph.written():
        source = tensors[node.inputs[0]]
        kind = _kind(node, [tensors[number] for number in node.inputs], constants)
        weight = _weight_shape(node, source, constants)
        macs = _multiply_adds(node, source, weight, tensors[written[0]])
        own = {number for _, number in _constants_of(node)} - seen
        seen |= own
        layers.append(
            LayerCost(
                name=node.name,
                op=node.op,
                kind=kind,
                why=_why_not_binary(kind, node, source, weight, reasons, allowed),
                weight=weight,
                output=tensors[written[0]].shape,
                binary_parameters=prod(weight) if weight and kind in _IN_BITS else 0,
                real_parameters=_real_parameters(node, weight, constants),
                bops=macs if kind == "binary" else 0,
                flops=0 if kind == "binary" else macs,
                bytes=sum(constants[str(number)].nbytes for number in own),
            )
        )
    return ModelCost(tuple(layers), file_bytes)


_IN_BITS = ("binary", "binary weights")
"""Kinds whose weights are stored in one bit."""


def _kind(node: Node, sources: Sequence[Tensor], constants: Constants) -> str:
    operands = {each.kind for each in sources[: 2 if node.op == "matmul" else 1]}
    if is_int16(node, constants):
        return "int16"
    if node.op != "real_conv" or _only_pads(node, sources[0], constants):
        return "binary" if operands == {"bits"} else "real"
    if constants[str(node["weight"])].dtype == np.uint64:
        return "binary weights"
    return "binary inputs" if operands == {"bits"} else "real"


def _only_pads(node: Node, source: Tensor, constants: Constants) -> bool:
    """Whether a convolution multiplies each value by 1: no layer of the model, but its padding."""
    if node.op != "real_conv" or (node["kernel"], node["groups"]) != ((1, 1), source.shape[2]):
        return False
    weight = constants[str(node["weight"])]
    return any(node["padding"]) and weight.dtype == np.float32 and bool((weight == 1).all())


def _weight_shape(node: Node, source: Tensor, constants: Constants) -> tuple[int, ...]:
    if "weight" not in node.keys or _only_pads(node, source, constants):
        return ()
    return len(constants[str(node["weight"])]), *node["kernel"], source.shape[2] // node["groups"]


def _multiply_adds(node: Node, source: Tensor, weight: tuple[int, ...], written: Tensor) -> int:
    """Multiply-adds of a node before its pool; a sum of signs is one more filter per group."""
    if not (weight or node.rule.counts_signs):
        return prod(written.shape) * source.shape[2] if node.op == "matmul" else 0
    height, width = windows(node, source.shape[:2], node.name)
    return height * width * (prod(weight) if weight else prod(node["kernel"]) * source.shape[2])


def _constants_of(node: Node) -> Iterator[tuple[str, int]]:
    """What each of a node's constants is for, and its number."""
    parts: tuple[Node | Step, ...] = (node, *node.steps)
    for part in parts:
        for key in part.rule.keys:
            if key.type == "constant" and part[key.name] is not None:
                yield key.name, part[key.name]
    for output in node.outputs:
        for name in ("threshold", "flip"):
            number = getattr(output, name)
            if number is not None:
                yield name, number


_NO_PARAMETERS = ("pad_value", "epsilon", "flip", "low", "high")
"""Constants that nobody trains, or that follow from what is trained."""


def _real_parameters(node: Node, weight: tuple[int, ...], constants: Constants) -> int:
    found = 0
    for name, number in _constants_of(node):
        constant = constants[str(number)]
        if name == "weight":
            found += 0 if constant.dtype == np.uint64 or not weight else constant.size
        elif name not in _NO_PARAMETERS and (constant != (1 if name == "scale" else 0)).any():
            # A shift by border is one parameter per channel: the rest follows from the weights.
            found += constant.shape[-1]
    return found


_ON_SCORES = ("softmax", "l2_normalise")
"""What may stand behind the layer that yields the scores."""


def _reasons(graph: Graph, tensors: Sequence[Tensor]) -> dict[str, str]:
    """Why the last node is real, and those that binary layers need beside them, by name."""
    operands = [
        (step, node.inputs[step["input"]])
        for node in graph.nodes
        for step in node.steps
        if step.op in ("add", "multiply")
    ]
    shifts = [number for step, number in operands if step.op == "add" and step["every"] == (0, 0)]
    products = [(step["every"], number) for step, number in operands if step.op == "multiply"]
    gates = [number for every, number in products if every == (0, 0)]
    maps = [number for every, number in products if every != (0, 0)]
    vectors = {n for n, tensor in enumerate(tensors) if tensor.shape[:2] == (1, 1)}
    planes = {n for n, tensor in enumerate(tensors) if tensor.shape[2] == 1}
    outputs = [output.tensor for output in graph.outputs]
    scores = {*outputs, *(n for node in graph.nodes if node.op in _ON_SCORES for n in node.inputs)}
    return {
        **dict.fromkeys(
            _writers_back(graph, shifts, vectors),
            "self-distribution: shifts each channel's threshold for each image",
        ),
        **dict.fromkeys(
            _writers_back(graph, gates, vectors),
            "gate: multiplies each channel for each image",
        ),
        **dict.fromkeys(
            _writers_back(graph, maps, planes),
            "scaling: the map that the dots of a binary layer are multiplied with",
        ),
        **dict.fromkeys(
            _writers_back(graph, outputs, scores), "last layer: yields the class scores"
        ),
    }


def _writers_back(graph: Graph, starts: list[int], among: set[int]) -> set[str]:
    """The nodes that write `starts`, and those before them, as far as all is `among` these."""
    writers = {number: node for node, written in graph.written() for number in written}
    pending, found = list(starts), set[str]()
    while pending:
        number = pending.pop()
        if number in writers and number in among and writers[number].name not in found:
            found.add(writers[number].name)
            pending += writers[number].inputs
    return found


def _why_not_binary(
    kind: str,
    node: Node,
    source: Tensor,
    weight: tuple[int, ...],
    reasons: Mapping[str, str],
    allowed: Container[str],
) -> str:
    if node.op == "real_conv" and node.name in allowed:
        return "allowed by name: was meant to be binary, but an operand is no sign"
    fixed = {
        "binary": "",
        "int16": "first layer: reads pixels, in int16",
        "binary weights": "binary weights on real inputs (1/32)",
        "binary inputs": "real weights on signs (32/1)",
    }
    if kind in fixed:
        return fixed[kind]
    if source.kind == "image":
        return "first layer: reads pixels"
    if node.name in reasons:
        return reasons[node.name]
    return "not binarised in the model" if weight else "no weights"
