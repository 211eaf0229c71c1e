"""What a compiled network costs, layer by layer: parameters, operations, bytes. Needs no torch.

Operations are counted as the papers do: FLOPs are multiply-adds of convolutions and linear layers
with a real (or int16) operand, BOPs those of two binary ones (zero padding included), OPs = FLOPs +
BOPs / 64. Normalisation, additions, non-linearities and pooling count nothing. docs/counting.md
says where that gives other figures than the papers print.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.bitformat.graph import Graph, Node, TensorSpec, output_size
from signbit.bitformat.int16_stem import is_int16

__all__ = ["ALLOWED", "LayerCost", "ModelCost", "count"]

ALLOWED = "allow_real"
"""Key of a file's notes that lists the layers which may compute with reals, by name."""

Constant = npt.NDArray[np.generic]


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
    """Of the node's constants in the file; a shared one counts for its first reader."""

    @property
    def ops(self) -> float:
        """FLOPs + BOPs / 64."""
        return self.flops + self.bops / 64

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "ops": self.ops}


@dataclass(frozen=True)
class ModelCost:
    """The layers and their sums."""

    layers: tuple[LayerCost, ...]
    bytes: int
    """Of the whole file."""

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
        """Of all parameters, one for a binary and 32 for a real one: the papers' model size."""
        return self.binary_parameters + 32 * (self.parameters - self.binary_parameters)

    @property
    def float32_bytes(self) -> int:
        """The same parameters at four bytes each."""
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
        """FLOPs + BOPs / 64."""
        return self.flops + self.bops / 64

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
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


def count(graph: Graph, constants: Mapping[str, Constant], file_bytes: int) -> ModelCost:
    """The cost of a valid graph; file_bytes is the size of its file."""
    tensors = {tensor.name: tensor for tensor in graph.tensors}
    reasons = _reasons(graph, tensors)
    allowed = {
        title
        for name in graph.source.get(ALLOWED, "").split(", ")
        for title in (name, *(f"{name}.{op}" for op in ("binary_conv2d", "binary_linear")))
    }
    layers, seen = [], set[str]()
    for node in graph.nodes:
        source = tensors[node.input]
        kind = _kind(node, source, constants)
        weight = _weight_shape(node, source, constants)
        macs = _multiply_adds(node, source, weight)
        own = [name for name in _constant_names(node) if name not in seen]
        seen.update(own)
        layers.append(
            LayerCost(
                name=node.name,
                op=node.op,
                kind=kind,
                why=_why_not_binary(kind, node, source, reasons, allowed),
                weight=weight,
                output=tensors[node.outputs[0]].shape,
                binary_parameters=prod(weight) if weight and kind in _IN_BITS else 0,
                real_parameters=_real_parameters(node, constants),
                bops=macs if kind == "binary" else 0,
                flops=0 if kind == "binary" else macs,
                bytes=sum(constants[name].nbytes for name in own),
            )
        )
    return ModelCost(tuple(layers), file_bytes)


_IN_BITS = ("binary", "binary weights")
"""Kinds whose weights are stored in one bit."""


def _kind(node: Node, source: TensorSpec, constants: Mapping[str, Constant]) -> str:
    if is_int16(node, constants):
        return "int16"
    if node.op != "real_conv":
        return "binary" if source.kind == "bits" else "real"
    assert node.weight is not None
    if constants[node.weight].dtype == np.uint64:
        return "binary weights"
    return "binary inputs" if source.kind == "bits" else "real"


def _weight_shape(
    node: Node, source: TensorSpec, constants: Mapping[str, Constant]
) -> tuple[int, ...]:
    if node.weight is None:
        return ()
    assert node.kernel is not None
    assert node.groups is not None
    return len(constants[node.weight]), *node.kernel, source.channels // node.groups


def _multiply_adds(node: Node, source: TensorSpec, weight: tuple[int, ...]) -> int:
    """Of the convolution before its pool; a sum of signs is one more filter for each group."""
    if node.kernel is None or node.dilation is None:
        return 0
    assert node.stride is not None
    assert node.padding is not None
    windows = zip(node.kernel, node.stride, node.padding, node.dilation, strict=True)
    height, width = (
        output_size(size, *window)
        for size, window in zip((source.height, source.width), windows, strict=True)
    )
    return height * width * (prod(weight) if weight else prod(node.kernel) * source.channels)


def _constant_names(node: Node) -> list[str]:
    single = (node.weight, node.pad_value, *_per_channel(node))
    names = [name for name in single if name is not None]
    return names + [name for sign in node.signs for name in (sign.threshold, sign.flip)]


def _per_channel(node: Node) -> tuple[str | None, ...]:
    """Real constants that a sign does not need: one for each channel, or also for each border."""
    sums = None if node.sums is None else node.sums.scale
    return node.scale, node.shift, sums, node.slope, node.positive_slope, node.offset


def _real_parameters(node: Node, constants: Mapping[str, Constant]) -> int:
    found = 0
    for name in (*_per_channel(node), *(sign.threshold for sign in node.signs)):
        if name is not None and (constants[name] != (1 if name == node.scale else 0)).any():
            # A shift by border is one parameter a channel: the rest follows from the weights.
            found += constants[name].shape[-1]
    if node.weight is not None and constants[node.weight].dtype != np.uint64:
        found += constants[node.weight].size
    return found


def _reasons(graph: Graph, tensors: Mapping[str, TensorSpec]) -> dict[str, str]:
    """Why the last node is real, and those that binary layers need beside them, by name."""
    shifts = [
        node.shortcut.tensor
        for node in graph.nodes
        if node.shortcut is not None and node.shortcut.stride == (0, 0)
    ]
    maps = [node.map for node in graph.nodes if node.map is not None]
    vectors = {name for name, tensor in tensors.items() if tensor.shape[:2] == (1, 1)}
    planes = {name for name, tensor in tensors.items() if tensor.channels == 1}
    return {
        **dict.fromkeys(
            _writers_back(graph, shifts, vectors),
            "self-distribution: shifts each channel's threshold for each image",
        ),
        **dict.fromkeys(
            _writers_back(graph, maps, planes),
            "scaling: the map that the dots of a binary layer are multiplied with",
        ),
        **dict.fromkeys(
            _writers_back(graph, [graph.output], {graph.output}),
            "last layer: yields the class scores",
        ),
    }


def _writers_back(graph: Graph, starts: list[str], among: set[str]) -> set[str]:
    """The nodes that write `starts`, and those before them, as far as all is `among` these."""
    writers = {name: node for node in graph.nodes for name in node.outputs}
    pending, found = list(starts), set[str]()
    while pending:
        name = pending.pop()
        if name in writers and name in among and writers[name].name not in found:
            found.add(writers[name].name)
            pending += writers[name].inputs
    return found


def _why_not_binary(
    kind: str, node: Node, source: TensorSpec, reasons: Mapping[str, str], allowed: Container[str]
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
    return "no weights" if node.weight is None else "not binarised in the model"
