"""From the compiler's graph to the file's: nodes with bodies and epilogues, named constants.

Signs become outputs of the node whose value they compare; reals are stored where somebody other
than a sign reads them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.bitformat.graph import OPS, SignOutput, SignSums, TensorSpec
from signbit.bitformat.graph import Node as FileNode
from signbit.compiler import ir
from signbit.compiler.ir import IMAGE
from signbit.compiler.pack import pack_numbers, pack_signs

__all__ = ["LOGITS", "Lowered", "Provenance", "lower"]

Constant = npt.NDArray[np.generic]

LOGITS = "logits"
"""Name of the output tensor."""

_WINDOW = ("kernel", "stride", "padding", "dilation", "groups")


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
    """Of a bits tensor: node of the exported graph whose sign it holds."""
    steps: tuple[ir.Node, ...] = ()
    """Of a bits tensor: per-channel maths that its threshold has taken over, in order."""
    is_of_pixels: bool = False
    """Of a bits tensor: whether each sign is one pixel's, by PyTorch's own answer. (Not behind a
    convolution, which PyTorch may round otherwise in a batch of another size.)"""
    beside: tuple[str, ...] = ()
    """Of a node that does the work of several: the others, whose channels follow."""


@dataclass(frozen=True)
class Lowered:
    """The file's nodes, tensors and constants, and where they come from."""

    output: str
    nodes: tuple[FileNode, ...]
    tensors: tuple[TensorSpec, ...]
    constants: dict[str, Constant]
    node_provenance: dict[str, Provenance]
    tensor_provenance: dict[str, Provenance]


def lower(graph: ir.Graph) -> Lowered:
    """Lower a graph whose only operations are the file's, `image` and `sign`."""
    lowering = _Lowering(graph)
    if graph[graph.output].is_sign:
        raise ir.refuse(graph[graph.output].origin, "the network must end in reals, not in signs")
    for node in graph:
        if node.op != "sign":
            lowering.add(node)
    return Lowered(
        lowering.tensor_names[graph.output],
        tuple(lowering.nodes),
        tuple(lowering.tensors),
        lowering.constants,
        lowering.node_provenance,
        lowering.tensor_provenance,
    )


class _Lowering:
    def __init__(self, graph: ir.Graph) -> None:
        self.graph = graph
        self.tensor_names: dict[str, str] = {}
        """Value, or value and groups -> the file's tensor. Short: a small network's file is
        half names otherwise; `tensor_provenance` has the long ones."""
        self.nodes: list[FileNode] = []
        self.tensors: list[TensorSpec] = []
        self.constants: dict[str, Constant] = {}
        self.node_provenance: dict[str, Provenance] = {}
        self.tensor_provenance: dict[str, Provenance] = {}

    def add(self, node: ir.Node) -> None:
        readers = self.graph.readers(node.name)
        signs = [reader for reader in readers if reader.op == "sign"]
        if node.op == "image":
            self.declare(node.name, IMAGE, "image", node)
            if signs:
                self.add_image_signs(node, signs)
            return
        if node.is_sign:
            zeros = np.zeros(node.shape.channels, np.float32)
            flips = np.zeros(node.shape.channels, np.uint8)
            signs = [replace(node, threshold=zeros, flip=flips)]
        stored = len(readers) > len(signs) or node.name == self.graph.output
        title = node.title or node.name
        self.node_provenance[title] = _provenance(node.body_origin)
        real = None
        if stored and not node.is_sign:
            real = LOGITS if node.name == self.graph.output else self.next_name()
            self.declare(node.name, real, "real", node)
        shortcut = node.shortcut
        if shortcut is not None:
            shortcut = replace(shortcut, tensor=self.tensor_names[shortcut.tensor])
        self.nodes.append(
            FileNode(
                name=title,
                op=node.op,
                input=self.operand(node),
                **self.body(title, node),
                scale=self.real_constant(f"{title}.scale", node.scale),
                shift=self.real_constant(f"{title}.shift", node.shift),
                shortcut=shortcut,
                activation=node.activation,
                slope=self.real_constant(f"{title}.slope", node.slope),
                positive_slope=self.real_constant(f"{title}.positive_slope", node.positive_slope),
                offset=self.real_constant(f"{title}.offset", node.offset),
                real=real,
                signs=self.sign_outputs(signs),
            )
        )

    def add_image_signs(self, image: ir.Node, signs: list[ir.Node]) -> None:
        """Signs of pixels need a node to write them."""
        title = self.graph.unique("pixels")
        self.node_provenance[title] = _provenance(image.origin)
        outputs = self.sign_outputs(signs)
        self.nodes.append(FileNode(title, "pointwise", IMAGE, signs=outputs))

    def body(self, title: str, node: ir.Node) -> dict[str, Any]:
        """The keys that belong to the node's operation."""
        keys = OPS[node.op].required + OPS[node.op].optional
        body: dict[str, Any] = {key: getattr(node, key) for key in _WINDOW if key in keys}
        if "weight" in keys:
            assert node.weight is not None
            body["weight"] = f"{title}.weight"
            signs = node.weight.dtype == np.int8
            pack = pack_signs if signs else pack_numbers
            self.constants[f"{title}.weight"] = pack(node.weight)
        if "pad_value" in keys and node.pad_value is not None:
            body["pad_value"] = f"{title}.pad_value"
            self.constants[f"{title}.pad_value"] = pack_numbers(node.pad_value)
        if "pool" in keys:
            body["pool"] = node.pool
        if node.map:
            body["map"] = self.tensor_names[node.map]
        if node.sums:
            scale = self.real_constant(f"{title}.sums_scale", node.sums_scale)
            assert scale is not None
            body["sums"] = SignSums(self.tensor_names[node.sums], scale)
        return body

    def real_constant(self, name: str, value: ir.FloatArray | None) -> str | None:
        if value is None:
            return None
        self.constants[name] = np.ascontiguousarray(value, np.float32)
        return name

    def sign_outputs(self, signs: list[ir.Node]) -> tuple[SignOutput, ...]:
        outputs = []
        for sign in signs:
            assert sign.threshold is not None
            assert sign.flip is not None
            for key in self.bits_keys(sign).values():
                name = self.next_name()
                self.declare(key, name, "bits", sign)
                threshold = self.sign_constant(f"{name}.threshold", sign.threshold)
                flip = self.sign_constant(f"{name}.flip", sign.flip)
                outputs.append(SignOutput(name, threshold, flip))
        return tuple(outputs)

    def sign_constant(self, name: str, value: Constant) -> str:
        """Most signs compare with zeros and flip nothing; those share one constant a width."""
        if not value.any():
            name = f"zeros.{value.dtype.name}.{value.size}"
        self.constants[name] = value
        return name

    def bits_keys(self, sign: ir.Node) -> dict[int, str]:
        """Groups of the readers -> key of the bits tensor they read.

        The engine aligns each group's bits, so binary convolutions and sums of signs of different
        groups need tensors of their own; other readers take the first.
        """
        readers = self.graph.readers(sign.name)
        aligned = ("binary_conv", "sign_sum")
        grouped = {r.groups for r in readers if r.op in aligned and r.groups > 1}
        first, *others = sorted(grouped) or [1]
        keys = {first: sign.name}
        keys |= {groups: f"{sign.name} in {groups} groups" for groups in others}
        return keys

    def operand(self, node: ir.Node) -> str:
        source = self.graph[node.input]
        if source.is_sign:
            return self.tensor_names[self.bits_keys(source).get(node.groups, source.name)]
        return self.tensor_names[source.name]

    def next_name(self) -> str:
        return f"t{len(self.tensors)}"

    def declare(self, key: str, name: str, kind: str, node: ir.Node) -> None:
        self.tensor_names[key] = name
        self.tensors.append(TensorSpec(name, kind, *node.shape))
        self.tensor_provenance[name] = replace(
            _provenance(node.origin),
            signed=node.signed,
            steps=node.steps,
            is_of_pixels=node.pixel_signs is not None and self.graph[node.input].op != "real_conv",
        )


def _provenance(origin: ir.Origin) -> Provenance:
    return Provenance(origin.export, origin.module, origin.target, beside=origin.beside)
