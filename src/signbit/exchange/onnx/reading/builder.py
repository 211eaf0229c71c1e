"""The new graph while it grows: nodes, their tensors, and the shapes of what they yield."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor

from signbit.errors import CompileError, RecipeError, Refusal
from signbit.exchange.onnx.reading.file import Array
from signbit.exchange.onnx.reading.values import Choice, Const, Levels, Pixels, Real
from signbit.models.graph import IMAGE, GraphNode, is_free_name
from signbit.models.graph.network import made

__all__ = ["Builder"]

_MOST_VALUES = 1 << 28
"""Of one image in one value."""


class Builder:
    """Adds nodes to `image`, (batch, C, H, W); the batch is of no more meaning than its size."""

    def __init__(self, image: Real) -> None:
        self.image = image
        self.batch = image.shape[0]
        self.nodes: dict[str, GraphNode] = {}
        self.state: dict[str, Tensor] = {}
        self.where = ("the network", "")
        """Name and operation of the file's node that new nodes are for, and called after."""
        self.pixels: dict[str, Pixels] = {}
        """By name: the values that are functions of one pixel."""
        self.choices: dict[str, Choice] = {}
        """By the file's name: the values that the sign of another one chooses."""
        self._made: dict[int, tuple[object, Real]] = {}

    def refuse(self, reason: str, cure: str = "") -> NoReturn:
        """Raise CompileError that names the file's node and its operation."""
        raise CompileError(Refusal(*self.where, reason, cure))

    def emit(
        self,
        op: str,
        inputs: Sequence[Real] = (),
        args: Mapping[str, Any] | None = None,
        tensors: Mapping[str, Array] | None = None,
        hint: str = "",
    ) -> Real:
        """Append a node; tensors: by their names in its module. Raises CompileError."""
        name = self._name(hint or self.where[0])
        node = GraphNode(name, op, tuple(each.name for each in inputs), dict(args or {}))
        shape = self._shape(node, [each.shape for each in inputs])
        if shape[:1] != (self.batch,) and inputs:
            self.refuse("mixes images with each other")
        if math.prod(shape[1:]) > _MOST_VALUES:
            self.refuse(f"yields {math.prod(shape[1:]):,} values per image, which is absurd")
        for key, array in (tensors or {}).items():
            values = np.ascontiguousarray(array, np.float32)
            self.state[f"{name}.{key}"] = torch.from_numpy(values.copy())
        self.nodes[name] = node
        return Real(name, shape)

    def _shape(self, node: GraphNode, shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
        try:
            with torch.device("meta"), torch.no_grad():
                module = made(node).to("meta").eval()
                return tuple(module(*[torch.empty(shape) for shape in shapes]).shape)
        except (RecipeError, RuntimeError, ValueError, TypeError, IndexError) as error:
            self.refuse(f"does not fit: {str(error).splitlines()[0]}")

    def _name(self, hint: str) -> str:
        stem = re.sub(r"\W+", "_", hint, flags=re.ASCII).strip("_")[:80]
        stem = stem if is_free_name(stem) else f"n_{stem}"
        name, number = stem, 1
        while name in self.nodes or not is_free_name(name):
            number += 1
            name = f"{stem}_{number}"
        return name

    def constant(self, array: Array, rank: int) -> Real:
        """A constant for values of `rank` dimensions; the images' is 1. Raises CompileError."""
        shape = (*(1,) * (rank - array.ndim), *array.shape)
        if array.ndim > rank or (rank and shape[0] != 1):
            self.refuse(f"has a constant of shape {array.shape} for values of {rank} dims")
        return self.emit(
            "constant",
            args={"shape": list(shape)},
            tensors={"value": array.reshape(shape)},
            hint=f"{self.where[0]}_constant",
        )

    def real(self, value: Const | Real | Levels) -> Real:
        """The value as a node's, which is added once."""
        if isinstance(value, Real):
            return value
        if isinstance(value, Const):
            self.refuse("has a constant where a value of the image is meant")
        if id(value) not in self._made:
            self._made[id(value)] = value, self._levels(value)
        return self._made[id(value)][1]

    def _levels(self, value: Levels) -> Real:
        rank, axis = len(value.shape), value.axis
        source = value.source
        if axis != 1:
            source = self.permute(source, _swapped(rank, axis))
        spec, tensors, factor = self.binarizer(value, source.shape[1])
        result = self.emit("binarize", [source], {"activation": spec}, tensors)
        if axis != 1:
            result = self.permute(result, _swapped(rank, axis))
        return self.times(result, factor)

    def times(self, value: Real, factor: float) -> Real:
        """The value times a number."""
        if factor == 1:
            return value
        number = self.constant(np.array(factor, np.float32), len(value.shape))
        return self.emit("multiply", [value, number])

    @staticmethod
    def binarizer(value: Levels, channels: int) -> tuple[Any, dict[str, Array], float]:
        """How a layer of `channels` binarizes, its tensors, and what multiplies its result."""
        prefix = "activation_binarizer."
        if value.is_sign:
            factor = value.scale * value.weights[0]
            if not value.thresholds.any():
                return "sign", {}, factor
            return {"shift": channels}, {f"{prefix}bias": -value.each(channels)[0]}, factor
        limits = value.thresholds
        shape = list(limits.shape) if limits.shape[1] > 1 else [len(limits)]
        spec = {"levels": shape, "weights": list(value.weights), "offset": value.offset}
        return spec, {f"{prefix}thresholds": limits.reshape(shape)}, value.scale

    def permute(self, value: Real, dims: Sequence[int]) -> Real:
        """The value with its dimensions in another order; two of these become one, or none."""
        node = self.nodes.get(value.name)
        if node is not None and node.op == "permute":
            before = [node.args["dims"][place] for place in dims]
            shape = [0] * len(before)
            for place, dim in enumerate(node.args["dims"]):
                shape[dim] = value.shape[place]
            value, dims = Real(node.inputs[0], tuple(shape)), before
        if list(dims) == list(range(len(dims))):
            return value
        return self._moved(value, "permute", "dims", dims)

    def reshape(self, value: Real, shape: Sequence[int]) -> Real:
        """The value's images as such of another shape."""
        if tuple(shape) == value.shape[1:]:
            return value
        return self._moved(value, "reshape", "shape", shape)

    def _moved(self, value: Real, op: str, key: str, sizes: Sequence[int]) -> Real:
        moved = self.emit(op, [value], {key: list(sizes)})
        pixels = self.pixels.get(value.name)
        if pixels is not None and len(pixels.table) == 1:
            moves = (*pixels.moves, (op, tuple(sizes)))
            self.pixels[moved.name] = Pixels(pixels.table, moves)
        return moved

    def needed(self, output: str) -> tuple[list[GraphNode], dict[str, Tensor]]:
        """The nodes that a result is made of, in order, and their tensors."""
        wanted = {output}
        for node in reversed(self.nodes.values()):
            if node.name in wanted:
                wanted.update(node.inputs)
        kept = [node for node in self.nodes.values() if node.name in wanted - {IMAGE}]
        state = {key: value for key, value in self.state.items() if key.partition(".")[0] in wanted}
        return kept, state


def _swapped(rank: int, axis: int) -> list[int]:
    """Dimensions 1 and `axis` exchanged."""
    dims = list(range(rank))
    dims[1], dims[axis] = dims[axis], dims[1]
    return dims
