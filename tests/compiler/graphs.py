"""The compiler's graphs made by hand, and their bits as the reference engine computes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.bitformat import encode
from signbit.bitformat.graph import Graph as FileGraph
from signbit.bitformat.graph import InputSpec, Pair, Shortcut, output_size
from signbit.bitformat.versions import with_lowest_format
from signbit.compiler.ir import IMAGE, Graph, Node, Origin, Shape
from signbit.compiler.lower import Lowered, lower
from signbit.compiler.passes import round_constants
from signbit.runtime.reference import ReferenceEngine

Array = npt.NDArray[Any]

# So few values that dots hit thresholds and products tie.
SCALES = np.array([-2.0, -0.75, -0.1, 0.0, 0.25, 1.0, 3.1])
SHIFTS = np.array([-3.0, -0.5, 0.0, 0.1, 2.0])


class Builder:
    """Appends nodes with random constants; every method returns the new value's name."""

    def __init__(self, size: tuple[int, int, int] = (6, 6, 3), seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.graph = Graph()
        self.graph.add(Node(IMAGE, "image", "", Shape(*size), Origin("", "", "image")))

    def add(self, op: str, source: str, shape: Shape | None = None, **fields: Any) -> str:
        shape = shape or self.graph[source].shape
        name = f"v{len(self.graph.nodes)}"
        origin = Origin(f"fx_{name}", f"module.{name}", f"aten.{op}")
        return self.graph.add(Node(name, op, source, shape, origin, **fields)).name

    def conv(
        self,
        source: str,
        channels: int,
        kernel: int = 3,
        *,
        padding: int = 1,
        stride: int = 1,
        groups: int = 1,
    ) -> str:
        """A convolution, binary where the source holds signs."""
        height, width, inputs = self.graph[source].shape
        shape = Shape(
            output_size(height, kernel, stride, padding, 1),
            output_size(width, kernel, stride, padding, 1),
            channels,
        )
        filters = (channels, kernel, kernel, inputs // groups)
        binary = self.graph[source].is_sign
        weight: Array = self.random.choice(np.array([-1, 1], np.int8), filters)
        if not binary:
            weight = self.random.normal(0, 0.02, filters)
        return self.add(
            "binary_conv" if binary else "real_conv",
            source,
            shape,
            kernel=(kernel, kernel),
            stride=(stride, stride),
            padding=(padding, padding),
            groups=groups,
            weight=weight,
        )

    def conv_with(self, part: str, source: str, channels: int, *, groups: int = 1) -> str:
        """A padded 3×3 binary convolution with a `map`, `sums`, or a `shift` by border."""
        name = self.conv(source, channels, groups=groups)
        node = self.graph[name]
        window = {key: getattr(node, key) for key in ("kernel", "stride", "padding")}
        of_groups = {**window, "groups": groups, "shape": node.shape._replace(channels=groups)}
        summed = self.add("sign_sum", source, **of_groups)
        self.graph.move_before(name, summed)
        if part == "map":
            first = self.add("real_conv", summed, node.shape._replace(channels=1))
            weight = self.random.normal(0, 1, (1, 1, 1, groups))
            self.graph.update(first, weight=weight)
            self.graph.move_before(name, first)
            self.graph.update(name, map=first)
            return name
        scale = self.random.choice(SCALES, channels)
        shift = self.random.choice(SHIFTS, channels)
        self.graph.update(name, scale=scale, shift=shift)
        if part == "sums":
            sums_scale = self.random.choice(SCALES, channels)
            self.graph.update(name, sums=summed, sums_scale=sums_scale)
        else:
            by_border = self.random.choice(SHIFTS, (3, 3, channels))
            self.graph.update(name, shift=by_border)
            self.graph.remove(summed)
        return name

    def affine(self, source: str, *, positive: bool = False) -> str:
        channels = self.graph[source].shape.channels
        scale = self.random.choice(np.abs(SCALES) if positive else SCALES, channels)
        return self.add(
            "pointwise", source, scale=scale, shift=self.random.choice(SHIFTS, channels)
        )

    def activation(self, source: str, name: str, slope: float | None = None) -> str:
        channels = self.graph[source].shape.channels
        slopes = None if slope is None else np.full(channels, slope)
        return self.add("pointwise", source, activation=name, slope=slopes)

    def plus(self, source: str, other: str, stride: Pair = (1, 1), offset: int = 0) -> str:
        return self.add("pointwise", source, shortcut=Shortcut(other, stride, offset))

    def sign(self, source: str) -> str:
        return self.add("sign", source, is_sign=True, signed=self.graph[source].origin.export)

    def max_pool(self, source: str, kernel: int = 2, stride: int = 2, padding: int = 0) -> str:
        node = self.graph[source]
        height, width = (output_size(s, kernel, stride, padding, 1) for s in node.shape[:2])
        return self.add(
            "max_pool",
            source,
            Shape(height, width, node.shape.channels),
            is_sign=node.is_sign,
            kernel=(kernel, kernel),
            stride=(stride, stride),
            padding=(padding, padding),
        )

    def mean(self, source: str) -> str:
        return self.add("global_mean", source, Shape(1, 1, self.graph[source].shape.channels))

    def stem(self, channels: int = 5) -> str:
        """Reals around zero, of both signs."""
        conv = self.conv(IMAGE, channels)
        return self.affine(conv)

    def finish(self, output: str) -> Graph:
        """The graph with its constants rounded, as the fusing passes expect it."""
        self.graph.output = output
        round_constants(self.graph)
        return self.graph


def ops(graph: Graph) -> list[str]:
    return [node.op for node in graph]


def compare_with_zero(graph: Graph) -> None:
    """Give signs without a comparison the plain one, so that an unfused graph can be lowered."""
    for node in graph:
        if node.op == "sign" and node.threshold is None:
            channels = graph[node.input].shape.channels
            zeros = np.zeros(channels, np.float32)
            graph.update(node.name, threshold=zeros, flip=np.zeros(channels, np.uint8))


def lowered(graph: Graph) -> tuple[Lowered, bytes]:
    """The file of a graph, operation for operation."""
    compare_with_zero(graph)
    result = lower(graph)
    file = FileGraph(
        input=InputSpec(IMAGE, 8),
        output=result.output,
        classes=(),
        source={},
        tensors=result.tensors,
        nodes=result.nodes,
    )
    return result, encode(with_lowest_format(file, result.constants), result.constants)


def answers(graph: Graph, count: int = 3) -> Array:
    """The reference engine's outputs for random pixels."""
    size = graph[IMAGE].shape
    images = np.random.default_rng(9).integers(0, 256, (count, *size), dtype=np.uint8)
    return ReferenceEngine(lowered(graph)[1])(images)
