"""Random valid graphs for property tests: one op under test, or a small network of them.

A seeded generator decides everything: Hypothesis, drawing the structure itself, tries many
near-duplicates of few graphs, and here variety finds more than shrinking does. Scales, shifts and
thresholds lie on a coarse grid half of the time, so that ties are common.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from tests.runtime.epilogues import Array, EpilogueBuilder, Shape

from signbit.bitformat import encode, pack_bits
from signbit.bitformat.graph import (
    Graph,
    InputSpec,
    Node,
    Pair,
    Pool,
    Shortcut,
    SignSums,
    TensorSpec,
    output_size,
)
from signbit.bitformat.int16_stem import has_integer_sums, is_int16
from signbit.bitformat.versions import with_lowest_format


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
    def takes_floats(self) -> bool:
        """Whether images may be float32."""
        return not any(is_int16(node, self.constants) for node in self.graph.nodes)

    @property
    def fetches(self) -> list[str]:
        integers = [node for node in self.graph.nodes if has_integer_sums(node, self.constants)]
        dots = [f"{node.name}#dots" for node in integers]
        return [tensor.name for tensor in self.graph.tensors] + dots


class Builder(EpilogueBuilder):
    """Collects tensors, constants and nodes; every method adds one node with a random epilogue."""

    def image(self, shape: Shape) -> str:
        return self.tensor("image", "image", shape)

    def real_conv(
        self, source: str, out: int, kernel: Pair, groups: int = 1, **windows: Pair
    ) -> None:
        name = self.next_name()
        tensor = self.find(source)
        if self.newest and self.flag():
            weight = self.packed(out, kernel[0] * kernel[1] * (tensor.channels // groups))
        else:
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
            node = replace(node, pad_value=self.constant(f"{name}.pad_value", pad))
        self.finish(node, (*_size(tensor, node), out))

    def int16_stem(
        self, source: str, out: int, kernel: Pair, groups: int = 1, **windows: Pair
    ) -> None:
        """A convolution of pixels with int16 weights: small ones, any, or as large as allowed."""
        name = self.next_name()
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
            node = replace(node, pad_value=self.constant(f"{name}.pad_value", pad))
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
        """A binary convolution, after the nodes that make its map and its sums, if it has them."""
        shared: dict[str, Any] = {"kernel": kernel, "groups": groups, **_windows(windows)}
        extra = self.map_and_sums(source, out, shared) if self.newest and not pool else {}
        name = self.next_name()
        tensor = self.find(source)
        taps = kernel[0] * kernel[1] * (tensor.channels // groups)
        weight = self.constant(f"{name}.weight", self.packed(out, taps))
        node = Node(name, "binary_conv", source, weight=weight, **shared, **extra)
        height, width = _size(tensor, node)
        if pool:
            window = Pool(
                (self.integer(1, min(3, height)), self.integer(1, min(3, width))), self.pair(1, 3)
            )
            node = replace(node, pool=window)
            height = output_size(height, window.kernel[0], window.stride[0])
            width = output_size(width, window.kernel[1], window.stride[1])
        self.finish(node, (height, width, out), taps**0.5)

    def packed(self, out: int, taps: int) -> Array:
        return pack_bits(self.rng.random((out, taps)) < self.choose((0.5, 0.1, 1)))

    def map_and_sums(self, source: str, out: int, shared: dict[str, Any]) -> dict[str, Any]:
        """Keys of a binary_conv of these windows: tensors of its output's size made from signs."""
        extra: dict[str, Any] = {}
        if self.has_part():
            self.sign_sum(source, {**shared, "groups": 1}, stored=True)
            extra["map"] = self.of_kind("real")[-1]
        if self.has_part():
            self.sign_sum(source, shared, stored=True)
            scale = self.constant(f"{self.next_name()}.sums", self.floats(out))
            extra["sums"] = SignSums(self.of_kind("real")[-1], scale)
        return extra

    def wide_conv(self, source: str, out: int, kernel: Pair) -> None:
        """A binary convolution of stride 1 that adds a real tensor of its size, repeated."""
        tensor = self.find(source)
        taps = kernel[0] * kernel[1] * tensor.channels
        name = self.next_name()
        node = Node(
            name,
            "binary_conv",
            source,
            kernel=kernel,
            groups=1,
            weight=self.constant(f"{name}.weight", self.packed(out, taps)),
            **_windows({"padding": (kernel[0] // 2, kernel[1] // 2)}),
        )
        node = self.with_scale(node, self.floats(out, size=taps**-0.5), self.floats(out))
        added = self.choose([None, *self.of_kind("real")])
        if added is not None:
            node = replace(node, shortcut=Shortcut(added, repeat=self.find(added).channels < out))
        node = self.with_activation(node, out)
        thresholds = [self.floats(out) for _ in range(self.integer(0, self.most_signs))]
        real = f"{name}.real" if not thresholds or self.flag() else None
        self.add(node, (tensor.height, tensor.width, out), real, thresholds)

    def small_sign_sum(
        self, source: str, out: int, kernel: Pair, groups: int = 1, **windows: Pair
    ) -> None:
        """As a convolution is called, whose number of filters means nothing here."""
        self.sign_sum(source, {"kernel": kernel, "groups": groups, **_windows(windows)})

    def sign_sum(self, source: str, shared: dict[str, Any], stored: bool = False) -> None:
        """Sums of signs; `stored` ones are reals as they are, scaled down."""
        tensor = self.find(source)
        node = Node(self.next_name(), "sign_sum", source, **shared)
        shape = (*_size(tensor, node), shared["groups"])
        if not stored:
            self.finish(node, shape)
            return
        node = self.with_scale(node, self.floats(shape[2], size=0.2), self.floats(shape[2]))
        self.add(node, shape, f"{node.name}.real", [])

    def mean_abs(self, source: str) -> None:
        tensor = self.find(source)
        node = Node(self.next_name(), "mean_abs", source)
        self.finish(node, (tensor.height, tensor.width, 1))

    def pool(self, op: str, source: str, plain: bool = False) -> None:
        """A random pool; a plain one has outputs but no arithmetic of its own."""
        tensor = self.find(source)
        kernel = (self.integer(1, min(4, tensor.height)), self.integer(1, min(4, tensor.width)))
        node = Node(self.next_name(), op, source, kernel=kernel, stride=self.pair(1, 3))
        if op == "max_pool":
            padding = (self.integer(0, kernel[0] - 1), self.integer(0, kernel[1] - 1))
            node = replace(node, padding=padding)
        shape = (*_size(tensor, node), tensor.channels)
        if tensor.kind == "bits":
            self.add(node, shape, None, [np.zeros(tensor.channels, np.float32)])
        elif plain:
            thresholds = [self.floats(tensor.channels)] if self.flag() else []
            self.add(node, shape, f"{node.name}.real", thresholds)
        else:
            self.finish(node, shape)

    def global_mean(self, source: str) -> None:
        node = Node(self.next_name(), "global_mean", source)
        self.finish(node, (1, 1, self.find(source).channels))

    def pointwise(self, source: str) -> None:
        """The source's values, in the newest version perhaps times a map."""
        node = Node(self.next_name(), "pointwise", source)
        height, width, channels = self.find(source).shape
        if self.newest and self.has_part():
            shape = (height, width, 1)
            maps = [t.name for t in self.tensors if t.kind == "real" and t.shape == shape]
            node = replace(node, map=self.choose([None, *maps]))
        self.finish(node, (height, width, channels))

    def binarize(self, source: str, shift: str | None) -> None:
        """Signs alone, of a tensor to which a 1×1 one is added: a threshold of this image's own."""
        shape = self.find(source).shape
        shortcut = None if shift is None else Shortcut(shift, (0, 0))
        node = Node(self.next_name(), "pointwise", source, shortcut=shortcut)
        self.add(node, shape, None, [self.floats(shape[2])])

    def prepare(self, source: str) -> None:
        """The image as reals about zero, and as signs."""
        node = Node(self.next_name(), "pointwise", source)
        shape = self.find(source).shape
        scale = np.full(shape[2], 1 / 64, np.float32)
        node = self.with_scale(node, scale, np.full(shape[2], -2, np.float32))
        self.add(node, shape, f"{node.name}.real", [np.zeros(shape[2], np.float32)])

    def head(self) -> None:
        """End with a fully connected layer on the newest bits, so that the output is real."""
        source = self.of_kind("bits")[-1]
        tensor = self.find(source)
        out = self.integer(1, 12)
        taps = tensor.height * tensor.width * tensor.channels
        node = Node(
            self.next_name(),
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
        as_pixels = self.flag()
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
        )
        case = Case(with_lowest_format(graph, self.constants), self.constants, {"image": pixels})
        if as_pixels or not case.takes_floats:
            return case
        floats = (pixels / np.float32(1.7)).astype(np.float32)
        return replace(case, feeds={"image": floats})


def _windows(windows: dict[str, Pair]) -> dict[str, Any]:
    return {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), **windows}


def _size(tensor: TensorSpec, node: Node) -> Pair:
    kernel, stride = node.kernel or (1, 1), node.stride or (1, 1)
    padding, dilation = node.padding or (0, 0), node.dilation or (1, 1)
    return (
        output_size(tensor.height, kernel[0], stride[0], padding[0], dilation[0]),
        output_size(tensor.width, kernel[1], stride[1], padding[1], dilation[1]),
    )
