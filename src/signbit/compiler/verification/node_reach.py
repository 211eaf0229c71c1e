"""The reach of what a file's node computes from values it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.bitformat.graph import Graph, Node, Shortcut
from signbit.bitformat.int16_stem import MAX_PIXEL, has_integer_sums
from signbit.compiler.verification.reach import Reach

__all__ = ["NodeReach"]


@dataclass(frozen=True)
class NodeReach:
    """Of nodes of a graph that is fed some of its tensors (N, H, W, C), as `run_nodes` is."""

    graph: Graph
    constants: Mapping[str, npt.NDArray[Any]]
    feeds: Mapping[str, npt.NDArray[Any]]
    _known: dict[str, Reach] = field(default_factory=dict)
    """Of tensors: several nodes may read one."""

    def of_integers(self, node: Node) -> Reach:
        """Of the sum of a binary convolution or an int16 stem, which is exact."""
        return Reach(self._body(node).largest, 0)

    def of_value(self, node: Node) -> Reach:
        """Of a node's real, whether it is stored or not."""
        reach = self._body(node)
        if has_integer_sums(node, self.constants):
            reach = Reach(reach.largest, 0)
        if node.map is not None:
            factor = self._of_tensor(node.map)
            roundings = max(reach.roundings, factor.roundings)
            reach = Reach(reach.largest, roundings).scaled(factor.largest)
        if node.scale is not None and node.shift is not None:
            shift = np.abs(self.constants[node.shift])
            by_channel = shift.max(axis=tuple(range(shift.ndim - 1)))
            reach = reach.scaled(self.constants[node.scale], by_channel)
        if node.sums is not None:
            sums = self._of_tensor(node.sums.tensor)
            each = len(reach.largest) // len(sums.largest)
            of_channels = Reach(sums.largest.repeat(each), sums.roundings)
            reach = reach.plus(of_channels.scaled(self.constants[node.sums.scale]))
        if node.shortcut is not None:
            reach = reach.plus(self._shortcut(node.shortcut, len(reach.largest))).scaled(1)
        names = (node.slope, node.positive_slope)
        slopes = (None if name is None else self.constants[name] for name in names)
        reach = reach.activated(node.activation, *slopes)
        return reach if node.offset is None else reach.scaled(1, self.constants[node.offset])

    def _of_tensor(self, name: str) -> Reach:
        if name not in self._known:
            self._known[name] = self._find(name)
        return self._known[name]

    def _find(self, name: str) -> Reach:
        tensor = self.graph.tensor(name)
        if tensor.kind == "bits":
            return Reach(np.ones(tensor.channels), 0)
        if tensor.kind == "image":
            return Reach(np.full(tensor.channels, float(MAX_PIXEL)), 0)
        if name in self.feeds:
            magnitudes = np.abs(self.feeds[name]).max(axis=(0, 1, 2), initial=0)
            return Reach(magnitudes.astype(np.float64), 0)
        return self.of_value(next(node for node in self.graph.nodes if name in node.outputs))

    def _body(self, node: Node) -> Reach:
        source = self._of_tensor(node.input)
        if node.op == "real_conv":
            return self._convolution(node, source)
        if node.op in ("binary_conv", "sign_sum"):
            taps = self._taps(node)
            channels = self.graph.tensor(node.outputs[0]).channels
            return Reach(np.full(channels, float(taps)), 0)
        tensor = self.graph.tensor(node.input)
        if node.op == "global_mean":
            return Reach(source.largest, source.roundings + tensor.height * tensor.width)
        if node.op == "mean_abs":
            mean = source.largest.mean(keepdims=True)
            return Reach(mean, source.roundings + tensor.channels)
        if node.op == "avg_pool":
            assert node.kernel is not None
            return Reach(source.largest, source.roundings + node.kernel[0] * node.kernel[1])
        return source  # max_pool, pointwise

    def _taps(self, node: Node) -> int:
        """Of one filter."""
        assert node.kernel is not None
        assert node.groups is not None
        return (
            node.kernel[0] * node.kernel[1] * self.graph.tensor(node.input).channels // node.groups
        )

    def _convolution(self, node: Node, source: Reach) -> Reach:
        """Σ |w|·|x| over the taps of each filter."""
        assert node.weight is not None
        assert node.groups is not None
        largest = source.largest
        if node.pad_value is not None:
            largest = np.maximum(largest, np.abs(self.constants[node.pad_value]))
        weight = self.constants[node.weight]
        by_group = largest.reshape(node.groups, -1)
        if weight.dtype == np.uint64:  # packed signs
            filters = len(weight) // node.groups
            area = self._taps(node) // by_group.shape[1]
            sums = np.repeat(area * by_group.sum(1), filters)
        else:
            by_channel = np.abs(weight.astype(np.float64)).sum((1, 2))
            grouped = by_channel.reshape(node.groups, -1, by_group.shape[1])
            sums = (grouped * by_group[:, None]).sum(2).reshape(-1)
        return Reach(sums, source.roundings + self._taps(node))

    def _shortcut(self, shortcut: Shortcut, channels: int) -> Reach:
        added = self._of_tensor(shortcut.tensor)
        if shortcut.repeat:
            return Reach(np.resize(added.largest, channels), added.roundings)
        largest = np.zeros(channels)
        shown = added.largest[: max(0, channels - shortcut.offset)]
        largest[shortcut.offset : shortcut.offset + len(shown)] = shown
        return Reach(largest, added.roundings)
