"""The reference engine: reads an `.sbnn` file and runs its graph in NumPy, node by node.

Owns which nodes run and how batches are cut. feeds.py owns what a caller may feed, `ops`, `steps`
and outputs.py what a node computes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from signbit.bitformat.checks import Array
from signbit.bitformat.container import decode
from signbit.bitformat.graph import Node, Pair, at_size
from signbit.bitformat.int16_stem import has_integer_sums
from signbit.bitformat.validate import Tensor, arity, validate
from signbit.errors import InputError, ModelFileError
from signbit.runtime.reference.feeds import Feeds
from signbit.runtime.reference.node_run import NodeRun
from signbit.runtime.reference.ops import OPERATIONS
from signbit.runtime.reference.ops.binary_conv import pool_dots
from signbit.runtime.reference.outputs import written

__all__ = ["DOTS", "ReferenceEngine"]

DOTS = "#dots"
"""Suffix of a node's name in a fetch: the integers of a binary_conv (before pool) or int16 stem."""

# Images go through the graph in parts, to bound memory, and through an operation in smaller
# blocks, to stay in cache: so many elements of the largest tensor, and of the operation's result.
_PART_ELEMENTS = 1 << 21
_BLOCK_ELEMENTS = 1 << 16


class ReferenceEngine:
    """Runs a model file exactly as docs/format.md words it.

    `source` is a path or the file's bytes. `input_size` is another (height, width) of its image,
    which a file of any size allows. Raises ModelFileError for a file that is not valid, InputError
    for a size that the file does not allow or that does not fit.
    """

    def __init__(
        self, source: str | os.PathLike[str] | bytes, input_size: Pair | None = None
    ) -> None:
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
        self.graph, self.constants = decode(data)
        if input_size is not None:
            self.graph = at_size(self.graph, input_size)
        self.tensors = self._tensors(input_size)
        self._by_number = {int(name): array for name, array in self.constants.items()}
        self._nodes = {node.name: node for node in self.graph.nodes}
        self._writers: dict[int, Node] = {}
        self._written: dict[str, range] = {}
        for node, first in zip(self.graph.nodes, self.graph.first_tensors(), strict=True):
            self._written[node.name] = range(first, first + len(node.outputs))
            self._writers.update(dict.fromkeys(self._written[node.name], node))
        self._feeds = Feeds(self.graph, self.tensors, self.constants)

    def _tensors(self, input_size: Pair | None) -> tuple[Tensor, ...]:
        """Kind and shape of every tensor of the graph, by number."""
        try:
            return validate(self.graph, self.constants)
        except ModelFileError as error:
            raise InputError(f"input_size: {input_size} does not fit: {error}") from error

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of one image; the first input's where there are several."""
        return self.graph.inputs[0].shape

    @property
    def class_names(self) -> list[str]:
        """One name per channel of the first output, or none."""
        return list(self.graph.outputs[0].classes)

    def __call__(self, inputs: Array | Mapping[str, Array]) -> Any:
        """Run a batch: a dict of name → array, or just the array where the graph has one input.

        Inputs are (N, H, W, C): images uint8 or float32 in 0 … 255, reals float32. Returns an array
        where the graph has one output, else a dict of name → array: (N, H, W, C), or (N, C) where
        that is one pixel; reals are float32, signs are −1 and +1 in int8. Raises InputError for
        another shape or dtype, for float32 pixels that are not finite or that meet an int16 stem.
        """
        outputs = self.graph.outputs
        values = self.run_nodes(
            self._feeds.of_inputs(inputs), [output.tensor for output in outputs]
        )
        results = {
            output.name: self._result(output.tensor, values[output.tensor]) for output in outputs
        }
        return results if len(outputs) > 1 else results[outputs[0].name]

    def _result(self, number: int, value: Array) -> Array:
        if self.tensors[number].kind == "bits":
            value = np.where(value != 0, np.int8(-1), np.int8(1))
        height, width, channels = self.tensors[number].shape
        return value.reshape(len(value), channels) if height == width == 1 else value

    def run_nodes(
        self, feeds: Mapping[int, Array], fetches: Iterable[int | str]
    ) -> dict[int | str, Array]:
        """Run the nodes that get the fetches from the feeds, and no other; fetch → array.

        Tensors are known by number. Feeds and fetches are batches (N, H, W, C): images uint8 or
        float32, reals float32, bits uint8 with 1 = negative. A fed tensor is never computed. The
        fetch "<node's name>#dots" is the int32 dots of a binary_conv before its pool, or sums of an
        int16 stem. Raises InputError for what is unknown, misshapen, or not reachable from the
        feeds, and for float32 images where there is an int16 stem.
        """
        wanted = list(dict.fromkeys(fetches))
        batch = self._feeds.check(feeds)
        nodes = self._needed(feeds, wanted)
        touched = [n for node in nodes for n in (*node.inputs, *self._written[node.name])]
        largest = max((prod(self.tensors[number].shape) for number in touched), default=1)
        step = max(1, _PART_ELEMENTS // largest)
        parts = [
            self._run({n: array[i : i + step] for n, array in feeds.items()}, nodes, wanted)
            for i in range(0, max(batch, 1), step)  # no image at all is one empty part
        ]
        return {fetch: np.concatenate([part[fetch] for part in parts]) for fetch in wanted}

    def _run(
        self, feeds: Mapping[int, Array], nodes: list[Node], wanted: list[int | str]
    ) -> dict[int | str, Array]:
        """Run these nodes, in order, on one part of a batch."""
        values: dict[int | str, Array] = {}
        values.update(feeds.items())
        read = self._looked_up(feeds)
        # The format says what becomes of infinities and NaN.
        with np.errstate(all="ignore"):
            for node in nodes:
                inputs = [read.get(number, values[number]) for number in node.inputs]
                run = NodeRun(node, inputs, self._by_number)
                v0 = self._operation(run)
                if has_integer_sums(node, self.constants):
                    values[node.name + DOTS] = v0
                if node.op == "binary_conv":
                    v0 = pool_dots(node, v0)
                for number, value in zip(self._written[node.name], written(run, v0), strict=True):
                    values.setdefault(number, value)
        return {fetch: values[fetch] for fetch in wanted}

    def _looked_up(self, feeds: Mapping[int, Array]) -> dict[int, Array]:
        """What nodes read in place of images that have a table."""
        return {
            number: self._by_number[given.table][feeds[number], np.arange(given.shape[2])]
            for number, given in enumerate(self.graph.inputs)
            if given.table is not None and number in feeds
        }

    def _operation(self, run: NodeRun) -> Array:
        """The operation's values before any pool of dots, block by block of images."""
        node = run.node
        output = self.tensors[self._written[node.name][0]]
        step = max(1, _BLOCK_ELEMENTS // prod(output.shape))
        count = arity(node)
        batch = len(run.inputs[0])
        results = []
        for i in range(0, max(batch, 1), step):
            block = [
                self._as_read(number, x[i : i + step])
                for number, x in zip(node.inputs[:count], run.inputs, strict=False)
            ]
            results.append(OPERATIONS[node.op](NodeRun(node, block, run.constants)))
        return np.concatenate(results)

    def _as_read(self, number: int, x: Array) -> Array:
        """A tensor as operations read it: bits as ±1."""
        if self.tensors[number].kind != "bits":
            return x
        return np.where(x != 0, np.float32(-1), np.float32(1))

    def _needed(self, feeds: Mapping[int, Array], wanted: list[int | str]) -> list[Node]:
        """The nodes to run, in order of execution."""
        needed: set[str] = set()
        pending = list(wanted)
        while pending:
            fetch = pending.pop()
            if fetch in feeds:
                continue
            node = self._writer(fetch)
            if node.name not in needed:
                needed.add(node.name)
                pending += node.inputs
        return [node for node in self.graph.nodes if node.name in needed]

    def _writer(self, fetch: int | str) -> Node:
        """The node that yields a fetch or an input."""
        if isinstance(fetch, str):
            node = self._nodes.get(fetch.removesuffix(DOTS))
            if fetch.endswith(DOTS) and node and has_integer_sums(node, self.constants):
                return node
        elif fetch in self._writers:
            return self._writers[fetch]
        elif 0 <= fetch < len(self.tensors):
            raise InputError(f"feeds: {self._feeds.label(fetch)} is needed and must be fed")
        raise InputError(
            f"fetches: {fetch!r} is neither a tensor's number nor "
            f"'<name of a binary_conv or int16 stem>{DOTS}'"
        )
