"""Random valid graphs for property tests: one op under test, or a small network of them.

A seeded generator decides everything: Hypothesis, drawing the structure itself, tries many
near-duplicates of few graphs, and here variety finds more than shrinking does. Scales, shifts and
thresholds lie on a coarse grid half of the time, so that ties are common.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from signbit.bitformat import encode, pack_bits
from signbit.bitformat.graph import (
    Graph,
    InputSpec,
    Node,
    Pair,
    Pool,
    Shortcut,
    SignOutput,
    TensorSpec,
    output_size,
)
from signbit.bitformat.int16_stem import format_needed, has_integer_sums

Array = npt.NDArray[Any]
Shape = tuple[int, int, int]
T = TypeVar("T")

ACTIVATIONS = (None, "relu", "hardtanh", "prelu", "sigmoid")


@dataclass(frozen=True, repr=False)
class Case:
    """A graph, its constants, a batch to feed, and everything that can be fetched."""

    graph: Graph
    constants: dict[str, Array]
    feeds: dict[str, Array]

    def __repr__(self) -> str:
        feeds = {name: (array.dtype.name, array.shape) for name, array in self.feeds.items()}
        lines = [*self.graph.tensors, *self.graph.nodes]
        return "\n".join(["Case", f"feeds {feeds}", *map(repr, lines)])

    @property
    def data(self) -> bytes:
        return encode(self.graph, self.constants)

    @property
    def fetches(self) -> list[str]:
        integers = [node for node in self.graph.nodes if has_integer_sums(node, self.constants)]
        dots = [f"{node.name}#dots" for node in integers]
        return [tensor.name for tensor in self.graph.tensors] + dots


@dataclass
class Builder:
    """Collects tensors, constants and nodes; every method adds one node with a random epilogue."""

    rng: np.random.Generator
    tensors: list[TensorSpec] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)
    most_signs: int = 2

    def integer(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def flag(self) -> bool:
        return bool(self.rng.random() < 0.5)

    def choose(self, choices: Sequence[T]) -> T:
        return choices[self.integer(0, len(choices) - 1)]

    def pair(self, low: int, high: int) -> Pair:
        return self.integer(low, high), self.integer(low, high)

    def image(self, shape: Shape) -> str:
        return self.tensor("image", "image", shape)

    def tensor(self, name: str, kind: str, shape: Shape) -> str:
        self.tensors.append(TensorSpec(name, kind, *shape))
        return name

    def find(self, name: str) -> TensorSpec:
        return next(tensor for tensor in self.tensors if tensor.name == name)

    def of_kind(self, *kinds: str) -> list[str]:
        return [tensor.name for tensor in self.tensors if tensor.kind in kinds]

    def constant(self, name: str, array: Array) -> str:
        self.constants[name] = array
        return name

    def floats(self, *shape: int, size: float = 1.0) -> Array:
        """Random float32 about `size`; on a coarse grid (with both zeros) half of the time."""
        values = self.rng.standard_normal(shape)
        if self.flag():
            values = np.round(values * 2) / 4
        return (values * size).astype(np.float32)

    def real_conv(
        self, source: str, out: int, kernel: Pair, groups: int = 1, **windows: Pair
    ) -> None:
        name = f"n{len(self.nodes)}"
        tensor = self.find(source)
        weight = self.floats(out, *kernel, tensor.channels // groups, size=0.5)
        node = Node(
            name,
            "real_conv",
            source,
            kernel=kernel,
            groups=groups,
            weight=self.constant(f"{name}.weight", weight),
            **_windows(windows),
        )
        if self.flag():
            pad = self.floats(tensor.channels, size=100.0)
            node = _with(node, pad_value=self.constant(f"{name}.pad_value", pad))
        self.finish(node, (*_size(tensor, node), out))

    def int16_stem(
        self, source: str, out: int, kernel: Pair, groups: int = 1, **windows: Pair
    ) -> None:
        """A convolution of pixels with int16 weights: small ones, any, or as large as allowed."""
        name = f"n{len(self.nodes)}"
        tensor = self.find(source)
        shape = (out, *kernel, tensor.channels // groups)
        largest = min(8191, (2**31 - 1) // 255 // (shape[1] * shape[2] * shape[3]))
        most = self.choose((1, 127, largest, largest))
        weight = self.rng.integers(-most, most + 1, shape)
        if self.flag():
            weight = np.where(weight < 0, -most, most)
        node = Node(
            name,
            "real_conv",
            source,
            kernel=kernel,
            groups=groups,
            weight=self.constant(f"{name}.weight", weight.astype(np.int16)),
            **_windows(windows),
        )
        if self.flag():
            pad = self.rng.integers(0, 256, tensor.channels).astype(np.uint8)
            node = _with(node, pad_value=self.constant(f"{name}.pad_value", pad))
        spread = 128 * float(np.sqrt(np.square(weight).sum() / out))
        self.finish(node, (*_size(tensor, node), out), spread)

    def binary_conv(
        self,
        source: str,
        out: int,
        kernel: Pair,
        groups: int = 1,
        pool: bool = False,
        **windows: Pair,
    ) -> None:
        name = f"n{len(self.nodes)}"
        tensor = self.find(source)
        taps = kernel[0] * kernel[1] * (tensor.channels // groups)
        weight = pack_bits(self.rng.random((out, taps)) < self.choose((0.5, 0.1, 1)))
        node = Node(
            name,
            "binary_conv",
            source,
            kernel=kernel,
            groups=groups,
            weight=self.constant(f"{name}.weight", weight),
            **_windows(windows),
        )
        height, width = _size(tensor, node)
        if pool:
            window = Pool(
                (self.integer(1, min(3, height)), self.integer(1, min(3, width))), self.pair(1, 3)
            )
            node = _with(node, pool=window)
            height = output_size(height, window.kernel[0], window.stride[0])
            width = output_size(width, window.kernel[1], window.stride[1])
        self.finish(node, (height, width, out), taps**0.5)

    def pool(self, op: str, source: str, plain: bool = False) -> None:
        """A random pool; a plain one has outputs but no arithmetic of its own."""
        tensor = self.find(source)
        kernel = (self.integer(1, min(4, tensor.height)), self.integer(1, min(4, tensor.width)))
        node = Node(f"n{len(self.nodes)}", op, source, kernel=kernel, stride=self.pair(1, 3))
        if op == "max_pool":
            padding = (self.integer(0, kernel[0] - 1), self.integer(0, kernel[1] - 1))
            node = _with(node, padding=padding)
        shape = (*_size(tensor, node), tensor.channels)
        if tensor.kind == "bits":
            self.add(node, shape, None, [np.zeros(tensor.channels, np.float32)])
        elif plain:
            thresholds = [self.floats(tensor.channels)] if self.flag() else []
            self.add(node, shape, f"{node.name}.real", thresholds)
        else:
            self.finish(node, shape)

    def global_mean(self, source: str) -> None:
        node = Node(f"n{len(self.nodes)}", "global_mean", source)
        self.finish(node, (1, 1, self.find(source).channels))

    def pointwise(self, source: str) -> None:
        node = Node(f"n{len(self.nodes)}", "pointwise", source)
        self.finish(node, self.find(source).shape)

    def binarize(self, source: str, shift: str | None) -> None:
        """Signs alone, of a tensor to which a 1×1 one is added: a threshold of this image's own."""
        shape = self.find(source).shape
        shortcut = None if shift is None else Shortcut(shift, (0, 0))
        node = Node(f"n{len(self.nodes)}", "pointwise", source, shortcut=shortcut)
        self.add(node, shape, None, [self.floats(shape[2])])

    def prepare(self, source: str) -> None:
        """The image as reals about zero, and as signs."""
        node = Node(f"n{len(self.nodes)}", "pointwise", source)
        shape = self.find(source).shape
        scale = np.full(shape[2], 1 / 64, np.float32)
        node = self.with_scale(node, scale, np.full(shape[2], -2, np.float32))
        self.add(node, shape, f"{node.name}.real", [np.zeros(shape[2], np.float32)])

    def finish(self, node: Node, shape: Shape, spread: float | None = None) -> None:
        """Give a node a random epilogue and outputs; `spread` is about how large its integers are.

        A node without one yields reals.
        """
        channels = shape[2]
        size = spread or 1.0
        if self.flag():
            node = self.with_scale(
                node, self.floats(channels, size=1 / size), self.floats(channels)
            )
            size = 1.0
        shortcut = self.shortcut(shape)
        activation = self.choose(ACTIVATIONS)
        node = _with(node, shortcut=shortcut, activation=activation)
        if activation == "prelu":
            slope = self.constant(f"{node.name}.slope", self.floats(channels))
            node = _with(node, slope=slope)
        thresholds: list[Array] = []
        for _ in range(self.integer(0, self.most_signs)):
            if spread is not None and self.flag():
                limit = int(2 * spread) + 2
                thresholds.append(self.rng.integers(-limit, limit, channels).astype(np.int32))
            else:
                thresholds.append(self.floats(channels, size=size))
        real = f"{node.name}.real" if not thresholds or self.flag() else None
        self.add(node, shape, real, thresholds)

    def with_scale(self, node: Node, scale: Array, shift: Array) -> Node:
        return _with(
            node,
            scale=self.constant(f"{node.name}.scale", scale),
            shift=self.constant(f"{node.name}.shift", shift),
        )

    def shortcut(self, shape: Shape) -> Shortcut | None:
        """A random earlier real tensor that covers this shape, or none."""
        name = self.choose([None, *self.of_kind("real")])
        if name is None:
            return None
        tensor = self.find(name)
        if tensor.shape == shape and self.flag():
            return Shortcut(name)  # the common kind, where engines have their fast paths
        offset = self.integer(0, shape[2] + 1)
        if (tensor.height, tensor.width) == (1, 1) and self.flag():
            return Shortcut(name, (0, 0), offset)
        if shape[0] > tensor.height or shape[1] > tensor.width:
            return None
        most = [
            (have - 1) // (need - 1) if need > 1 else have
            for have, need in zip(tensor.shape[:2], shape[:2], strict=True)
        ]
        return Shortcut(name, (self.integer(1, most[0]), self.integer(1, most[1])), offset)

    def add(self, node: Node, shape: Shape, real: str | None, thresholds: list[Array]) -> None:
        """Declare a node's outputs: a real tensor of this name, a bits tensor per threshold."""
        signs = []
        for index, threshold in enumerate(thresholds):
            name = f"{node.name}.bits{index}"
            flip = self.rng.integers(0, 2, shape[2]).astype(np.uint8)
            signs.append(
                SignOutput(
                    self.tensor(name, "bits", shape),
                    self.constant(f"{name}.threshold", threshold),
                    self.constant(f"{name}.flip", flip),
                )
            )
        if real is not None:
            self.tensor(real, "real", shape)
        self.nodes.append(_with(node, real=real, signs=tuple(signs)))

    def head(self) -> None:
        """End with a fully connected layer on the newest bits, so that the output is real."""
        source = self.of_kind("bits")[-1]
        tensor = self.find(source)
        out = self.integer(1, 12)
        taps = tensor.height * tensor.width * tensor.channels
        node = Node(
            f"n{len(self.nodes)}",
            "binary_conv",
            source,
            kernel=(tensor.height, tensor.width),
            groups=1,
            weight=self.constant("head.weight", pack_bits(self.rng.random((out, taps)) < 0.5)),
            **_windows({}),
        )
        node = self.with_scale(node, self.floats(out), self.floats(out))
        self.add(node, (1, 1, out), "logits", [])

    def case(self, batch: int) -> Case:
        """Close the graph and draw a batch of images, uint8 or float32."""
        shape = self.find("image").shape
        pixels = self.rng.integers(0, 256, (batch, *shape)).astype(np.uint8)
        version = format_needed(self.constants)  # 2: an int16 stem, which takes no float32
        floats = (pixels / np.float32(1.7)).astype(np.float32)
        images = pixels if self.flag() or version == 2 else floats
        output = self.of_kind("real")[-1]
        channels = self.find(output).channels
        classes = tuple(f"class {index}" for index in range(channels)) if self.flag() else ()
        graph = Graph(
            InputSpec("image", max(shape[:2])),
            output,
            tuple(self.tensors),
            tuple(self.nodes),
            classes,
            {"made by": "tests"},
            version,
        )
        return Case(graph, self.constants, {"image": images})


def _with(node: Node, **changes: Any) -> Node:
    return Node(**{**vars(node), **changes})


def _windows(windows: dict[str, Pair]) -> dict[str, Any]:
    return {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), **windows}


def _size(tensor: TensorSpec, node: Node) -> Pair:
    kernel, stride = node.kernel or (1, 1), node.stride or (1, 1)
    padding, dilation = node.padding or (0, 0), node.dilation or (1, 1)
    return (
        output_size(tensor.height, kernel[0], stride[0], padding[0], dilation[0]),
        output_size(tensor.width, kernel[1], stride[1], padding[1], dilation[1]),
    )
