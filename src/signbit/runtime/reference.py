"""The reference engine: reads an `.sbnn` file and runs its graph in NumPy, the native one's oracle.

Owns which nodes run and what a caller may feed; reference_ops.py and reference_epilogue.py own what
a node computes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from signbit.bitformat.checks import Array
from signbit.bitformat.container import decode
from signbit.bitformat.exact import Float32
from signbit.bitformat.graph import Node, TensorSpec
from signbit.bitformat.int16_stem import REFUSAL, has_integer_sums, is_int16
from signbit.errors import InputError
from signbit.runtime.reference_epilogue import apply_epilogue
from signbit.runtime.reference_ops import BODIES, pool_dots

__all__ = ["DOTS", "ReferenceEngine"]

DOTS = "#dots"
"""Suffix of a node's name in a fetch: the integers of a binary_conv (before pool) or int16 stem."""

# Images go through the graph in parts, to bound memory, and through a body in smaller blocks, to
# stay in cache: so many elements of the largest tensor, and of the body's result.
_PART_ELEMENTS = 1 << 21
_BLOCK_ELEMENTS = 1 << 16


class ReferenceEngine:
    """Runs a model file node by node in NumPy, exactly as docs/format.md words it.

    `source` is a path or the file's bytes. Raises ModelFileError for a file that is not valid.
    """

    def __init__(self, source: str | os.PathLike[str] | bytes) -> None:
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
        self.graph, self.constants = decode(data)
        self._tensors = {tensor.name: tensor for tensor in self.graph.tensors}
        self._nodes = {node.name: node for node in self.graph.nodes}
        self._writers = {name: node for node in self.graph.nodes for name in node.outputs}
        self._dtypes = dict(_DTYPES)
        if any(is_int16(node, self.constants) for node in self.graph.nodes):
            self._dtypes["image"] = (np.dtype(np.uint8),)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of one image."""
        return self._tensors[self.graph.input.tensor].shape

    @property
    def class_names(self) -> list[str]:
        """One name per output channel, or none."""
        return list(self.graph.classes)

    def __call__(self, images: Array) -> Float32:
        """Run uint8 or float32 images (N, H, W, C) in 0 … 255 to float32 (N, classes).

        A network whose output is not 1×1 gives (N, H, W, C). Raises InputError for another
        shape or dtype, for float32 pixels that are not finite or that meet an int16 stem.
        """
        name = self.graph.input.tensor
        output = self._tensors[self.graph.output]
        result = self.run_nodes({name: images}, [output.name])[output.name]
        real = result.astype(np.float32, copy=False)
        if output.shape[:2] == (1, 1):
            return real.reshape(len(real), output.channels)
        return real

    def run_nodes(self, feeds: Mapping[str, Array], fetches: Iterable[str]) -> dict[str, Array]:
        """Run the nodes that get the fetches from the feeds, and no other; name → array.

        Feeds and fetches are batches (N, H, W, C): images uint8 or float32, reals float32, bits
        uint8 with 1 = negative. A fed tensor is never computed. The fetch `<node>#dots` is the
        int32 dots of a binary_conv before its pool, or sums of an int16 stem. Raises InputError
        for what is unknown, misshapen, or not reachable from the feeds, and for float32 images
        where there is an int16 stem.
        """
        wanted = list(dict.fromkeys(fetches))
        batch = self._check_feeds(feeds)
        nodes = self._needed(feeds, wanted)
        names = [name for node in nodes for name in (*node.inputs, *node.outputs)]
        largest = max((_elements(self._tensors[name]) for name in names), default=1)
        step = max(1, _PART_ELEMENTS // largest)
        parts = [
            self._run({name: array[i : i + step] for name, array in feeds.items()}, nodes, wanted)
            for i in range(0, max(batch, 1), step)  # no image at all is one empty part
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in wanted}

    def _run(
        self, feeds: Mapping[str, Array], nodes: list[Node], wanted: list[str]
    ) -> dict[str, Array]:
        values = dict(feeds)
        for node in nodes:
            v0 = self._body(node, values[node.input])
            if has_integer_sums(node, self.constants):
                values[node.name + DOTS] = v0
                v0 = pool_dots(node, v0)
            written = apply_epilogue(node, v0, values, self.constants)
            values.update({name: x for name, x in written.items() if name not in feeds})
        return {name: values[name] for name in wanted}

    def _body(self, node: Node, x: Array) -> Array:
        """The node's body before any pool, block by block of images."""
        step = max(1, _BLOCK_ELEMENTS // _elements(self._tensors[node.outputs[0]]))
        body = BODIES[node.op]
        of_bits = self._tensors[node.input].kind == "bits"
        results = []
        for i in range(0, max(len(x), 1), step):
            block = x[i : i + step]
            if of_bits:
                block = np.where(block != 0, np.float32(-1), np.float32(1))
            results.append(body(node, block, self.constants))
        return np.concatenate(results)

    def _check_feeds(self, feeds: Mapping[str, Array]) -> int:
        """Check each feed against its tensor; return the batch size they share."""
        if not feeds:
            raise InputError("feeds: at least one tensor must be fed")
        for name, array in feeds.items():
            if name not in self._tensors:
                raise InputError(f"feeds: the graph has no tensor {name!r}")
            tensor = self._tensors[name]
            _check_array(tensor, array, self._dtypes[tensor.kind])
        sizes = {name: len(array) for name, array in feeds.items()}
        if len(set(sizes.values())) > 1:
            raise InputError(f"feeds: batch sizes differ: {sizes}")
        return next(iter(sizes.values()))

    def _needed(self, feeds: Mapping[str, Array], wanted: list[str]) -> list[Node]:
        """The nodes to run, in order of execution."""
        needed: set[str] = set()
        pending = list(wanted)
        while pending:
            name = pending.pop()
            if name in feeds:
                continue
            node = self._writer(name)
            if node.name not in needed:
                needed.add(node.name)
                pending += node.inputs
        return [node for node in self.graph.nodes if node.name in needed]

    def _writer(self, name: str) -> Node:
        """The node that yields a fetch or an input."""
        if name in self._writers:
            return self._writers[name]
        if name in self._tensors:
            raise InputError(f"feeds: {name!r} is needed and must be fed")
        node = self._nodes.get(name.removesuffix(DOTS))
        if not name.endswith(DOTS) or node is None or not has_integer_sums(node, self.constants):
            raise InputError(
                f"fetches: {name!r} is neither a tensor nor "
                f"'<name of a binary_conv or int16 stem>{DOTS}'"
            )
        return node


def _elements(tensor: TensorSpec) -> int:
    return tensor.height * tensor.width * tensor.channels


_DTYPES = {
    "image": (np.dtype(np.uint8), np.dtype(np.float32)),
    "real": (np.dtype(np.float32),),
    "bits": (np.dtype(np.uint8),),
}


def _check_array(tensor: TensorSpec, array: Array, allowed: tuple[np.dtype[Any], ...]) -> None:
    """Refuse an array that cannot be a batch of this tensor."""
    if not isinstance(array, np.ndarray) or array.dtype not in allowed:
        if isinstance(array, np.ndarray) and array.dtype in _DTYPES[tensor.kind]:
            raise InputError(f"{tensor.name!r}: {REFUSAL}")
        names = " or ".join(dtype.name for dtype in allowed)
        given = array.dtype.name if isinstance(array, np.ndarray) else type(array).__name__
        raise InputError(f"{tensor.name!r}: must be a NumPy array of {names}, is {given}")
    if array.ndim != 4 or array.shape[1:] != tensor.shape:
        expected = ", ".join(map(str, tensor.shape))
        raise InputError(f"{tensor.name!r}: must have shape (N, {expected}), has {array.shape}")
    if tensor.kind == "image" and not np.isfinite(array).all():
        raise InputError(f"{tensor.name!r}: pixels must be finite; some are NaN or infinite")
    if tensor.kind == "bits" and (array > 1).any():
        raise InputError(f"{tensor.name!r}: bits must be 0 or 1")
