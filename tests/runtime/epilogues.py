"""Random epilogues of random graphs: what graphs.py's builder gives every node it adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from signbit.bitformat.borders import border_patterns
from signbit.bitformat.graph import Node, Pair, Shortcut, SignOutput, TensorSpec

Array = npt.NDArray[Any]
Shape = tuple[int, int, int]
T = TypeVar("T")

ACTIVATIONS = (None, "relu", "hardtanh", "prelu", "sigmoid")


@dataclass
class EpilogueBuilder:
    """Tensors, constants and nodes so far, and how a node's epilogue is drawn.

    Without `newest` no part of format version 3 is drawn; with it, `parts` is how likely a binary
    convolution has a map, sums and a shift by border, each.
    """

    rng: np.random.Generator
    tensors: list[TensorSpec] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)
    most_signs: int = 2
    newest: bool = False
    parts: float = 0.5

    def integer(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def flag(self) -> bool:
        return bool(self.rng.random() < 0.5)

    def has_part(self) -> bool:
        return bool(self.rng.random() < self.parts)

    def choose(self, choices: Sequence[T]) -> T:
        return choices[self.integer(0, len(choices) - 1)]

    def pair(self, low: int, high: int) -> Pair:
        return self.integer(low, high), self.integer(low, high)

    def next_name(self) -> str:
        return f"n{len(self.nodes)}"

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

    def finish(self, node: Node, shape: Shape, spread: float | None = None) -> None:
        """Give a node a random epilogue and outputs; `spread` is about how large its integers are.

        A node without one yields reals.
        """
        channels = shape[2]
        size = spread or 1.0
        integers = spread is not None
        alone = self.newest and node.op == "binary_conv" and node.pool is None
        by_border = alone and self.has_part()
        if by_border or self.flag():
            node = self.with_scale(
                node, self.floats(channels, size=1 / size), self.floats(channels)
            )
            size = 1.0
        if by_border:
            node = self.with_border_shift(node, channels)
        if by_border or node.map is not None or node.sums is not None:
            integers = False
        shortcut = self.shortcut(shape)
        node = self.with_activation(replace(node, shortcut=shortcut), channels)
        thresholds: list[Array] = []
        for _ in range(self.integer(0, self.most_signs)):
            if integers and self.flag():
                limit = int(2 * (spread or 0)) + 2
                thresholds.append(self.rng.integers(-limit, limit, channels).astype(np.int32))
            else:
                thresholds.append(self.floats(channels, size=size))
        real = f"{node.name}.real" if not thresholds or self.flag() else None
        self.add(node, shape, real, thresholds)

    def with_scale(self, node: Node, scale: Array, shift: Array) -> Node:
        return replace(
            node,
            scale=self.constant(f"{node.name}.scale", scale),
            shift=self.constant(f"{node.name}.shift", shift),
        )

    def with_border_shift(self, node: Node, channels: int) -> Node:
        """The node with a shift that has a value for each border pattern."""
        source = self.find(node.input)
        rows, columns = border_patterns(node, source.height, source.width)
        shift = self.floats(len(rows.taps), len(columns.taps), channels)
        return replace(node, shift=self.constant(f"{node.name}.shift", shift))

    def with_activation(self, node: Node, channels: int) -> Node:
        """The node with a random activation, and in newer graphs an offset half of the time."""
        newest = ("maxout", "maxout", "prelu") if self.newest else ()
        node = replace(node, activation=self.choose((*ACTIVATIONS, *newest)))
        if node.activation in ("prelu", "maxout"):
            slope = self.constant(f"{node.name}.slope", self.floats(channels))
            node = replace(node, slope=slope)
        if node.activation == "maxout":
            positive = self.constant(f"{node.name}.positive_slope", self.floats(channels))
            node = replace(node, positive_slope=positive)
        if self.newest and self.flag():
            node = replace(node, offset=self.constant(f"{node.name}.offset", self.floats(channels)))
        return node

    def shortcut(self, shape: Shape) -> Shortcut | None:
        """A random earlier real tensor that covers this shape, or none."""
        name = self.choose([None, *self.of_kind("real")])
        if name is None:
            return None
        tensor = self.find(name)
        if tensor.shape == shape and self.flag():
            return Shortcut(name)  # the common kind, where engines have their fast paths
        offset = self.integer(0, shape[2] + 1)
        repeat = self.newest and self.flag()
        if repeat:
            offset = 0
        if (tensor.height, tensor.width) == (1, 1) and self.flag():
            return Shortcut(name, (0, 0), offset, repeat)
        if shape[0] > tensor.height or shape[1] > tensor.width:
            return None
        most = [
            (have - 1) // (need - 1) if need > 1 else have
            for have, need in zip(tensor.shape[:2], shape[:2], strict=True)
        ]
        stride = self.integer(1, most[0]), self.integer(1, most[1])
        return Shortcut(name, stride, offset, repeat)

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
        self.nodes.append(replace(node, real=real, signs=tuple(signs)))
