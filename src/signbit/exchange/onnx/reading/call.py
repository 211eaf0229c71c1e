"""One node of a file while it is mapped: its inputs, its attributes, and how it is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from signbit.data.loading.say import Say
from signbit.exchange.onnx.reading.builder import Builder
from signbit.exchange.onnx.reading.file import Array, OnnxNode
from signbit.exchange.onnx.reading.values import Const, Levels, Real, Unknown, Value, scalar

__all__ = ["Call", "Settings"]


@dataclass(frozen=True)
class Settings:
    """What the file does not say about its images, and what ONNX's Sign shall mean."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    """One value per channel, in units of 0 … 1."""
    sign_of_zero: int
    """0 as ONNX has it, or 1."""
    say: Say
    """Hears of what takes more than it need."""


@dataclass(frozen=True)
class Call:
    """A node with the values of its inputs; None where an optional one is left out."""

    node: OnnxNode
    values: list[Value | None]
    builder: Builder
    opset: int
    settings: Settings

    def refuse(self, reason: str, cure: str = "") -> NoReturn:
        """Raise CompileError that names the node and its operation."""
        self.builder.refuse(reason, cure)

    def has(self, place: int) -> bool:
        """Whether the input is there."""
        return place < len(self.values) and self.values[place] is not None

    def value(self, place: int = 0) -> Const | Real | Levels:
        """An input that has to be there."""
        value = self.values[place] if self.has(place) else None
        if value is None or isinstance(value, Unknown):
            self.refuse(f"lacks its input {place}")
        return value

    def real(self, place: int = 0) -> Real:
        """An input of images as a node's value."""
        return self.builder.real(self.value(place))

    def constant(self, place: int, what: str) -> Array:
        """An input that may not depend on the image."""
        value = self.value(place)
        if not isinstance(value, Const):
            self.refuse(f"its {what} depends on the image, which signbit has not")
        return value.array

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute, text as str."""
        value = self.node.attributes.get(name, default)
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value

    def option(self, name: str, place: int, default: Any = None) -> Any:
        """A value that is an attribute in some versions of ONNX and an input in others, as a list
        or a number."""
        if name in self.node.attributes:
            return self.attribute(name)
        if not self.has(place):
            return default
        return self.constant(place, name).tolist()

    def emit(
        self,
        op: str,
        *inputs: Real,
        args: Mapping[str, Any] | None = None,
        tensors: Mapping[str, Array] | None = None,
    ) -> Real:
        """Append a node of the new graph."""
        return self.builder.emit(op, inputs, args, tensors)

    def dim(self, axis: int, rank: int, images: bool = False) -> int:
        """A dimension counted from the front; that of the images is refused, unless it may be."""
        place = axis + rank if axis < 0 else axis
        if not 0 <= place < rank:
            self.refuse(f"has a dimension {axis} of values with {rank}")
        if place == 0 and not images:
            self.refuse("works across images, which are computed one by one")
        return place

    def number(self, place: int, what: str) -> float:
        """A constant input that is one number."""
        number = scalar(np.asarray(self.constant(place, what)))
        if number is None:
            self.refuse(f"its {what} must be one number")
        return float(number)

    def pairs(self, name: str, default: Sequence[int]) -> tuple[int, ...]:
        """An attribute of whole numbers."""
        return tuple(int(each) for each in self.attribute(name, list(default)))
