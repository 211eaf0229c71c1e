"""The compiler's graphs made by hand, and their bits as the reference engine computes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from tests.compiler.file_nodes import step_ops

from signbit.bitformat import encode
from signbit.bitformat.graph import Graph as FileGraph
from signbit.bitformat.graph import GraphInput, GraphOutput, Pair
from signbit.bitformat.taps import axis_taps, window_count
from signbit.compiler.ir import IMAGE, Graph, Node, Origin, Shape, Step, verify
from signbit.compiler.lower import Lowered, lower
from signbit.compiler.passes.fold.round_constants import round_constants
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
        self.graph.add(Node(IMAGE, "image", (), Shape(*size), Origin("", "", "image")))

    def add(
        self,
        op: str,
        *inputs: str,
        shape: Shape | None = None,
        steps: Sequence[Step] = (),
        is_sign: bool = False,
        **keys: Any,
    ) -> str:
        shape = shape or self.graph[inputs[0]].shape
        name = f"v{len(self.graph.nodes)}"
        origin = Origin(f"fx_{name}", f"module.{name}", f"aten.{op}")
        node = Node(name, op, inputs, shape, origin, keys, tuple(steps), is_sign=is_sign)
        return self.graph.add(node).name

    def step(self, op: str, source: str, *operands: str, **keys: Any) -> str:
        """One step; operands: what it reads beside the source."""
        place = {"input": 1} if operands else {}
        return self.add("identity", source, *operands, steps=[Step(op, {**place, **keys})])

    def change(self, name: str, op: str, **keys: Any) -> None:
        """Keys of the first step `op` of a node."""
        node = self.graph[name]
        at = step_ops(node).index(op)
        changed = Step(op, {**node.steps[at].keys, **keys})
        self.graph.update(name, steps=(*node.steps[:at], changed, *node.steps[at + 1 :]))

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
            window_count(height, kernel, stride, padding, padding),
            window_count(width, kernel, stride, padding, padding),
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
            shape=shape,
            kernel=(kernel, kernel),
            stride=(stride, stride),
            padding=(padding,) * 4,
            groups=groups,
            weight=weight,
        )

    def conv_with(self, part: str, source: str, channels: int, *, groups: int = 1) -> str:
        """A padded 3×3 binary convolution with a `map`, `sums`, or a `shift` by border."""
        name = self.conv(source, channels, groups=groups)
        node = self.graph[name]
        window = {key: node[key] for key in ("kernel", "stride", "padding", "groups")}
        summed = self.add("sign_sum", source, shape=node.shape._replace(channels=groups), **window)
        self.graph.move_before(name, summed)
        if part == "map":
            weight = self.random.normal(0, 1, (1, 1, 1, groups))
            shape = node.shape._replace(channels=1)
            first = self.add("real_conv", summed, shape=shape, weight=weight)
            self.graph.move_before(name, first)
            self.with_steps(name, Step("multiply", {"input": 0, "repeat": "tile"}), first)
            return name
        scale = self.random.choice(SCALES, channels)
        shift = self.random.choice(SHIFTS, channels)
        if part == "sums":
            self.with_steps(name, Step("affine", {"scale": scale, "shift": shift}))
            weighted = self.random.choice(SCALES, channels)
            keys = {"input": 0, "repeat": "each", "weighted": weighted}
            self.with_steps(name, Step("add", keys), summed)
        else:
            self.with_steps(name, self.by_border(name, scale))
            self.graph.remove(summed)
        return name

    def by_border(self, name: str, scale: Array) -> Step:
        """A scale, and a random shift for each pair of a padded 3×3 convolution's tap sets."""
        size = self.graph[self.graph[name].input].shape
        rows, columns = (axis_taps(size[axis], 3, 1, 1, 1).sets for axis in (0, 1))
        shift = self.random.choice(SHIFTS, (len(rows), len(columns), len(scale)))
        taps = {"row_taps": rows, "column_taps": columns}
        return Step("affine", {"scale": scale, "shift": shift, **taps})

    def with_steps(self, name: str, step: Step, *operands: str) -> None:
        """Append a step to a node; its operand, if any, has the place 0 here."""
        self.graph.put(self.graph[name].then([step], operands))

    def scaled(self, source: str, scale: npt.ArrayLike, shift: npt.ArrayLike) -> str:
        """scale·x + shift; numbers are for all channels."""
        channels = self.graph[source].shape.channels
        values = {"scale": scale, "shift": shift}
        by_channel = {
            name: np.array(np.broadcast_to(value, channels), np.float64)
            for name, value in values.items()
        }
        return self.step("affine", source, **by_channel)

    def affine(self, source: str, *, positive: bool = False) -> str:
        channels = self.graph[source].shape.channels
        scale = self.random.choice(np.abs(SCALES) if positive else SCALES, channels)
        return self.scaled(source, scale, self.random.choice(SHIFTS, channels))

    def activation(self, source: str, name: str, slope: float | None = None) -> str:
        channels = self.graph[source].shape.channels
        slopes = {} if slope is None else {"slope": np.full(channels, slope)}
        return self.step(name, source, **slopes)

    def plus(self, source: str, other: str, every: Pair = (1, 1), **keys: Any) -> str:
        return self.step("add", source, other, every=every, **keys)

    def sign(self, source: str) -> str:
        name = self.add("sign", source, is_sign=True)
        origin = self.graph[name].origin._replace(signed=self.graph[source].origin.export)
        return self.graph.update(name, origin=origin).name

    def values(self, sign: str) -> str:
        """Signs as reals."""
        return self.add("identity", sign)

    def max_pool(self, source: str, kernel: int = 2, stride: int = 2, padding: int = 0) -> str:
        node = self.graph[source]
        height, width = (
            window_count(size, kernel, stride, padding, padding) for size in node.shape[:2]
        )
        return self.add(
            "max_pool",
            source,
            shape=Shape(height, width, node.shape.channels),
            is_sign=node.is_sign,
            kernel=(kernel, kernel),
            stride=(stride, stride),
            padding=(padding,) * 4,
        )

    def mean(self, source: str) -> str:
        shape = Shape(1, 1, self.graph[source].shape.channels)
        return self.add("global_mean", source, shape=shape)

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
        if node.op == "sign" and node["threshold"] is None:
            channels = graph[node.input].shape.channels
            zeros = np.zeros(channels, np.float32)
            graph.put(node.with_keys(threshold=zeros, flip=np.zeros(channels, np.uint8)))


def lowered(graph: Graph) -> tuple[Lowered, bytes]:
    """The file of a graph, operation for operation; the graph must be whole."""
    compare_with_zero(graph)
    verify(graph)
    result = lower(graph)
    file = FileGraph(
        inputs=(GraphInput(IMAGE, "image", graph[IMAGE].shape),),
        outputs=tuple(GraphOutput(*each) for each in result.outputs.items()),
        nodes=result.nodes,
    )
    return result, encode(file, result.constants)


def answers(graph: Graph, count: int = 3) -> Array:
    """The reference engine's outputs for random pixels."""
    size = graph[IMAGE].shape
    images = np.random.default_rng(9).integers(0, 256, (count, *size), dtype=np.uint8)
    return ReferenceEngine(lowered(graph)[1])(images)
