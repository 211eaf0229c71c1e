"""What a compiled network costs, layer by layer: parameters, operations, bytes. Needs no torch.

Operations are counted as the papers do: FLOPs are multiply-adds of real (also int16) convolutions
and linear layers, BOPs those of binary ones (zero padding included), OPs = FLOPs + BOPs / 64.
Normalisation, additions, non-linearities and pooling count nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.bitformat.graph import Graph, Node, TensorSpec, output_size
from signbit.bitformat.int16_stem import is_int16

__all__ = ["LayerCost", "ModelCost", "count"]

Constant = npt.NDArray[np.generic]


@dataclass(frozen=True)
class LayerCost:
    """One node of the file."""

    name: str
    op: str
    kind: str
    """binary: computes on bits; real: computes on floats; int16: on pixels, in integers."""
    why: str
    """Why a layer is not binary; empty for a binary one."""
    weight: tuple[int, ...]
    """(out, kh, kw, in / groups); empty where there is none."""
    output: tuple[int, int, int]
    """(height, width, channels) of what it writes"""
    binary_parameters: int
    real_parameters: int
    """Weights, and per-channel constants but those that are 0 everywhere."""
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
    shifts = _activation_shifts(graph, tensors)
    layers, seen = [], set[str]()
    for node in graph.nodes:
        source = tensors[node.input]
        weight = _weight_shape(node, source, constants)
        size = _size_before_pool(node, source)
        macs = size[0] * size[1] * prod(weight) if weight else 0
        binary = node.op == "binary_conv" or source.kind == "bits"
        own = [name for name in _constant_names(node) if name not in seen]
        seen.update(own)
        layers.append(
            LayerCost(
                name=node.name,
                op=node.op,
                kind="binary" if binary else "int16" if is_int16(node, constants) else "real",
                why="" if binary else _why_not_binary(graph, node, source, constants, shifts),
                weight=weight,
                output=tensors[node.outputs[0]].shape,
                binary_parameters=prod(weight) if weight and binary else 0,
                real_parameters=_real_parameters(node, constants),
                bops=macs if binary else 0,
                flops=0 if binary else macs,
                bytes=sum(constants[name].nbytes for name in own),
            )
        )
    return ModelCost(tuple(layers), file_bytes)


def _weight_shape(
    node: Node, source: TensorSpec, constants: Mapping[str, Constant]
) -> tuple[int, ...]:
    if node.weight is None:
        return ()
    assert node.kernel is not None
    assert node.groups is not None
    return len(constants[node.weight]), *node.kernel, source.channels // node.groups


def _size_before_pool(node: Node, source: TensorSpec) -> tuple[int, int]:
    if node.weight is None:
        return source.height, source.width
    assert node.kernel is not None
    assert node.stride is not None
    assert node.padding is not None
    assert node.dilation is not None
    windows = zip(node.kernel, node.stride, node.padding, node.dilation, strict=True)
    height, width = (
        output_size(size, *window)
        for size, window in zip((source.height, source.width), windows, strict=True)
    )
    return height, width


def _constant_names(node: Node) -> list[str]:
    single = (node.weight, node.pad_value, node.scale, node.shift, node.slope)
    names = [name for name in single if name is not None]
    return names + [name for sign in node.signs for name in (sign.threshold, sign.flip)]


def _real_parameters(node: Node, constants: Mapping[str, Constant]) -> int:
    names = [node.scale, node.shift, node.slope, *(sign.threshold for sign in node.signs)]
    if node.op == "real_conv":
        names.append(node.weight)
    arrays = [constants[name] for name in names if name is not None]
    return sum(array.size for array in arrays if array.any())


def _activation_shifts(graph: Graph, tensors: Mapping[str, TensorSpec]) -> set[str]:
    """Nodes on 1×1 maps whose result is added to a whole map, and those before them."""
    writers = {name: node for node in graph.nodes for name in node.outputs}
    pending = [
        node.shortcut.tensor
        for node in graph.nodes
        if node.shortcut is not None and node.shortcut.stride == (0, 0)
    ]
    found: set[str] = set()
    while pending:
        node = writers[pending.pop()]
        if tensors[node.outputs[0]].shape[:2] == (1, 1) and node.name not in found:
            found.add(node.name)
            pending += [name for name in node.inputs if name in writers]
    return found


def _why_not_binary(
    graph: Graph,
    node: Node,
    source: TensorSpec,
    constants: Mapping[str, Constant],
    shifts: set[str],
) -> str:
    if is_int16(node, constants):
        return "first layer: reads pixels, in int16"
    if source.kind == "image":
        return "first layer: reads pixels"
    if node.real == graph.output:
        return "last layer: yields the class scores"
    if node.name in shifts:
        return "self-distribution: shifts each channel's threshold for each image"
    if node.weight is not None:
        return "not binarised in the model"
    return "no weights"
