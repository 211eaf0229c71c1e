"""The reach of what a file's node computes from values it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.bitformat.graph import Graph, Node, Step
from signbit.bitformat.int16_stem import MAX_PIXEL, has_integer_sums
from signbit.bitformat.validate import Tensor, arity
from signbit.compiler.moved_channels import moved_channels
from signbit.compiler.verification.reach import STEP_ROUNDINGS, Reach

__all__ = ["NodeReach"]


@dataclass(frozen=True)
class NodeReach:
    """The reach of nodes in a graph that is fed some tensors (N, H, W, C), as `run_nodes` is."""

    graph: Graph
    tensors: Sequence[Tensor]
    """The graph's, by number, as `validate` gives them."""
    constants: Mapping[str, npt.NDArray[Any]]
    feeds: Mapping[int, npt.NDArray[Any]]
    _known: dict[int, Reach] = field(default_factory=dict)
    """The reach of tensors that were asked for: several nodes may read one."""

    def of_value(self, node: Node, after: int | None = None) -> Reach:
        """The reach of a node's value after so many of its steps (None: all), stored or not."""
        reach = self._body(node)
        if has_integer_sums(node, self.constants):
            reach = Reach(reach.largest, 0)
        for step in node.steps[:after]:
            reach = self._step(node, step, reach)
        return reach

    def _step(self, node: Node, step: Step, reach: Reach) -> Reach:
        if step.op in ("add", "subtract", "multiply"):
            return self._combined(node, step, reach)
        constants = {
            key.name: self.constants[str(step[key.name])]
            for key in step.rule.keys
            if key.type == "constant"
        }
        if step.op == "affine":
            shift = np.abs(constants["shift"])
            by_channel = shift.max(axis=tuple(range(shift.ndim - 1)))
            return reach.scaled(constants["scale"], by_channel)
        if step.op == "offset":
            return reach.scaled(1, constants["value"])
        return reach.activated(step.op, *constants.values())

    def _combined(self, node: Node, step: Step, reach: Reach) -> Reach:
        """The reach of the sum, or the product, with the step's operand."""
        operand = self._operand(node, step, len(reach.largest))
        if step.op == "multiply":
            return reach.times(operand)
        if step.op == "add" and step["weighted"] is not None:
            return reach.plus(operand.scaled(self.constants[str(step["weighted"])]))
        return reach.plus(operand).scaled(1)

    def _operand(self, node: Node, step: Step, channels: int) -> Reach:
        """The reach of what a step reads, for each channel of the node's value."""
        operand = self._of_tensor(node.inputs[step["input"]])
        if step["repeat"] == "tile":
            return Reach(np.resize(operand.largest, channels), operand.roundings)
        if step["repeat"] == "each":
            each = channels // len(operand.largest)
            return Reach(operand.largest.repeat(each), operand.roundings)
        largest = np.zeros(channels)
        shown = operand.largest[: max(0, channels - step["offset"])]
        largest[step["offset"] : step["offset"] + len(shown)] = shown
        return Reach(largest, operand.roundings)

    def _of_tensor(self, number: int) -> Reach:
        if number not in self._known:
            self._known[number] = self._find(number)
        return self._known[number]

    def _find(self, number: int) -> Reach:
        kind, (_, _, channels) = self.tensors[number]
        if kind == "bits":
            return Reach(np.ones(channels), 0)
        if kind == "image":
            return Reach(np.full(channels, float(MAX_PIXEL)), 0)
        if number in self.feeds:
            magnitudes = np.abs(self.feeds[number]).max(axis=(0, 1, 2), initial=0)
            return Reach(magnitudes.astype(np.float64), 0)
        node, first = next(
            (node, written[0]) for node, written in self.graph.written() if number in written
        )
        return self.of_value(node, node.outputs[number - first].after)

    def _body(self, node: Node) -> Reach:
        source = self._of_tensor(node.inputs[0])
        if node.op == "real_conv":
            return self._convolution(node, source)
        if node.op == "binary_conv":
            filters = len(self.constants[str(node["weight"])])
            return Reach(np.full(filters, float(self._taps(node))), 0)
        if node.op == "sign_sum":
            return Reach(np.full(node["groups"], float(self._taps(node))), 0)
        height, width, channels = self.tensors[node.inputs[0]].shape
        if node.op == "global_mean":
            return Reach(source.largest, source.roundings + height * width)
        if node.op == "mean_abs":
            mean = source.largest.mean(keepdims=True)
            return Reach(mean, source.roundings + channels)
        if node.op == "avg_pool":
            rows, columns = node["kernel"]
            return Reach(source.largest, source.roundings + rows * columns)
        if node.op == "softmax":
            # Rises by at most half of what a channel rises, and by as much as its own roundings.
            largest = np.full(channels, source.largest.max() + 1)
            return Reach(largest, source.roundings + channels + STEP_ROUNDINGS)
        if node.op == "l2_normalise":
            # What a short vector's errors become is not known; those of an exact one are its own.
            own = Reach(np.ones(channels), channels + STEP_ROUNDINGS)
            return own if source.roundings == 0 else own.uncertain()
        if node.op == "layer_norm":
            # As much as its channels can differ, of values that may all be next to their mean.
            return Reach(np.full(channels, channels**0.5), 0).uncertain()
        if node.op == "matmul":
            other = self._of_tensor(node.inputs[1])
            largest = channels * source.largest.max() * other.largest.max()
            roundings = source.roundings + other.roundings + channels + STEP_ROUNDINGS
            return Reach(np.full(self._channels(node), largest), roundings)
        parts = [self._of_tensor(number) for number in node.inputs[: arity(node)]]
        largest_parts = [part.largest for part in parts]
        written = self._channels(node)
        moved = moved_channels(node, largest_parts, written)
        if moved is None:
            return Reach.unknown(written)
        return Reach(moved, max(part.roundings for part in parts))

    def _channels(self, node: Node) -> int:
        """How many channels a node writes."""
        written = next(
            written for other, written in self.graph.written() if other.name == node.name
        )
        return self.tensors[written[0]].shape[2]

    def _taps(self, node: Node) -> int:
        """How many taps one filter has."""
        rows, columns = node["kernel"]
        channels = self.tensors[node.inputs[0]].shape[2]
        taps: int = rows * columns * channels // node["groups"]
        return taps

    def _convolution(self, node: Node, source: Reach) -> Reach:
        """Σ |w|·|x| over the taps of each filter."""
        largest, groups = source.largest, node["groups"]
        if node["pad_value"] is not None:
            largest = np.maximum(largest, np.abs(self.constants[str(node["pad_value"])]))
        weight = self.constants[str(node["weight"])]
        by_group = largest.reshape(groups, -1)
        if weight.dtype == np.uint64:  # packed signs
            filters = len(weight) // groups
            area = self._taps(node) // by_group.shape[1]
            sums = np.repeat(area * by_group.sum(1), filters)
        else:
            by_channel = np.abs(weight.astype(np.float64)).sum((1, 2))
            grouped = by_channel.reshape(groups, -1, by_group.shape[1])
            sums = (grouped * by_group[:, None]).sum(2).reshape(-1)
        return Reach(sums, source.roundings + self._taps(node))
