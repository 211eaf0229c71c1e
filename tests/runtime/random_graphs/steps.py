"""Random steps and outputs of random graphs: what graphs.py's builder gives every node it adds.

A rough bound of every value's magnitude is kept, so that infinities and NaN hardly come about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from tests.runtime.random_graphs.draws import Array, Draws

from signbit.bitformat.graph import GraphInput, Node, Output, Shape, Step
from signbit.bitformat.table import OPERATIONS, STEPS, Operation, StepRule
from signbit.bitformat.taps import axis_taps
from signbit.bitformat.validate import Tensor

OPERANDS = tuple(name for name, rule in STEPS.items() if "input" in {key.name for key in rule.keys})
CONSTANTS = ("affine", "offset")
ACTIVATIONS = tuple(name for name in STEPS if name not in (*OPERANDS, *CONSTANTS))
SQUASHING = ("hardtanh", "clip", "sigmoid", "hard_sigmoid", "tanh")
"""Steps after which values are small."""

MOST = 1e10
"""Of the values that a node ends with, and of factors of a product."""


@dataclass
class Draft:
    """A node that is being drawn; reads is how many inputs its operation reads."""

    op: str
    inputs: list[int]
    keys: dict[str, Any]
    shape: Shape
    bounds: list[float]
    """Of the values' magnitudes after 0, 1, 2 … steps."""
    reads: int = 1
    spread: float | None = None
    """About how large its integers are, if it has any."""
    steps: list[Step] = field(default_factory=list)

    @property
    def bound(self) -> float:
        return self.bounds[-1]

    @property
    def may_have_borders(self) -> bool:
        """Whether an affine's shift may depend on the border."""
        pools = {"pool_kernel", "pool_stride"} & set(self.keys)
        return self.op == "binary_conv" and not pools


class StepsBuilder(Draws):
    """Tensors, constants and nodes so far, and how a node's steps and outputs are drawn.

    most_signs: of one node. any_steps: how likely steps come in any order, not in the common one,
    which engines fuse. parts: how likely a convolution of signs has a map, sums and a shift by
    border, each. any_size: whether shifts by border hold at any size.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.inputs: list[GraphInput] = []
        self.tensors: list[Tensor] = []
        self.bounds: list[float] = []
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}
        self.most_signs = 2
        self.any_steps = 0.3
        self.parts = 0.3
        self.any_size = False

    def of_kind(self, *kinds: str) -> list[int]:
        return [number for number, tensor in enumerate(self.tensors) if tensor.kind in kinds]

    def shape(self, number: int) -> Shape:
        return self.tensors[number].shape

    def constant(self, array: Array) -> int:
        number = len(self.constants)
        self.constants[str(number)] = array
        return number

    # Steps.

    def step(self, draft: Draft, op: str, factor: float = 0.0, **keys: Any) -> None:
        """Append a step; array values become constants. factor: how large its operand is."""
        arrays = {name: value for name, value in keys.items() if isinstance(value, np.ndarray)}
        draft.bounds.append(_bound_after(op, draft.bound, factor, arrays))
        numbers = {name: self.constant(array) for name, array in arrays.items()}
        draft.steps.append(Step(op, without_defaults(STEPS[op], {**keys, **numbers})))

    def draw_steps(self, draft: Draft) -> None:
        """The chain that engines fuse, or parts of it; or steps of any kind in any order."""
        if self.happens(self.any_steps):
            for _ in range(self.integer(0, 6)):
                self.any_step(draft)
        else:
            self.common_steps(draft)
        if draft.bound > MOST:
            self.activation(draft, self.choose(SQUASHING))

    def common_steps(self, draft: Draft) -> None:
        if self.flag():
            self.affine(draft)
        if self.flag():
            self.operand(draft, "add")
        if self.happens(0.7):
            self.activation(draft, self.choose(ACTIVATIONS))
        if self.happens(0.3):
            self.step(draft, "offset", value=self.floats(draft.shape[2]))

    def any_step(self, draft: Draft) -> None:
        kind = self.choose(("affine", "offset", "operand", "operand", "activation", "activation"))
        if kind == "affine":
            self.affine(draft)
        elif kind == "offset":
            self.step(draft, "offset", value=self.floats(draft.shape[2]))
        elif kind == "operand":
            self.operand(draft, self.choose(OPERANDS))
        else:
            self.activation(draft, self.choose(ACTIVATIONS))

    def affine(self, draft: Draft, borders: bool | None = None) -> None:
        """Scale and shift, so that large values become small; the shift perhaps by border."""
        channels = draft.shape[2]
        typical = draft.spread if len(draft.steps) == 0 else None
        scale = self.floats(channels, size=1 / (typical or 1.0))
        if borders is None:
            borders = self.happens(self.parts)
        if not (borders and draft.may_have_borders):
            self.step(draft, "affine", scale=scale, shift=self.floats(channels))
            return
        sets = {"row_taps": self.tap_sets(draft, 0), "column_taps": self.tap_sets(draft, 1)}
        shift = self.floats(len(sets["row_taps"]), len(sets["column_taps"]), channels)
        self.step(draft, "affine", scale=scale, shift=shift, **sets)

    def tap_sets(self, draft: Draft, axis: int) -> tuple[tuple[int, int], ...]:
        """Those that windows along an axis meet, in any order, perhaps with one that none meets.

        A file of any size has all that there may be.
        """
        keys, size = draft.keys, self.shape(draft.inputs[0])[axis]
        kernel = keys.get("kernel", (1, 1))[axis]
        padding = keys.get("padding", (0, 0, 0, 0))
        met = axis_taps(
            size,
            kernel,
            keys.get("stride", (1, 1))[axis],
            padding[axis],
            padding[axis + 2],
            keys.get("dilation", (1, 1))[axis],
        ).sets
        others = [(0, 0)] + [(i, j) for i in range(kernel) for j in range(i + 1, kernel + 1)]
        others = [taps for taps in others if taps not in met]
        if others and not self.any_size:
            others = [self.choose(others)] if self.flag() else []
        sets = [*met, *others]
        order: list[int] = self.rng.permutation(len(sets)).tolist()
        return tuple(sets[index] for index in order)

    def activation(self, draft: Draft, op: str) -> None:
        keys = {key.name: self.floats(draft.shape[2]) for key in STEPS[op].keys}
        if op == "clip" and self.flag():  # the usual order of the two
            low, high = keys["low"], keys["high"]
            keys = {"low": np.minimum(low, high), "high": np.maximum(low, high)}
        self.step(draft, op, **keys)

    def operand(self, draft: Draft, op: str) -> None:
        """A step that reads a random real tensor, where there is one that can be read here."""
        numbers = self.of_kind("real")
        same = [number for number in numbers if self.shape(number) == draft.shape]
        if not numbers:
            return
        number = self.choose(same if same and self.flag() else numbers)
        address = self.address(self.shape(number), draft.shape)
        factor = self.bounds[number]
        if address is None or (op == "multiply" and draft.bound * factor > MOST):
            return
        if op == "add" and self.flag():
            address["weighted"] = self.floats(draft.shape[2])
        self.step(draft, op, factor=factor, input=self.place(draft, number), **address)

    def place(self, draft: Draft, number: int) -> int:
        """Where a step finds a tensor among the node's inputs, to which it may be added anew."""
        # What a concat reads ends at the first input that a step reads.
        first = draft.reads if OPERATIONS[draft.op].many else 0
        places = [i for i, each in enumerate(draft.inputs) if each == number and i >= first]
        if places and self.flag():
            return self.choose(places)
        draft.inputs.append(number)
        return len(draft.inputs) - 1

    def address(self, operand: Shape, shape: Shape) -> dict[str, Any] | None:
        """A random way for an output of this shape to read an operand, or none."""
        if operand == shape and self.flag():
            return {}  # the common kind, where engines have their fast paths
        keys: dict[str, Any] = {}
        covers = shape[0] <= operand[0] and shape[1] <= operand[1]
        if operand[:2] == (1, 1) and (not covers or self.flag()):
            keys["every"] = (0, 0)
        elif covers:
            most = [
                (have - 1) // (need - 1) if need > 1 else have
                for have, need in zip(operand[:2], shape[:2], strict=True)
            ]
            keys["every"] = self.integer(1, most[0]), self.integer(1, most[1])
        else:
            return None
        each = ("each", "each") if shape[2] % operand[2] == 0 else ()
        repeat = self.choose(("none", "none", "tile", *each))
        if repeat == "none":
            return {**keys, "offset": self.choose((0, self.integer(0, shape[2] + 1)))}
        return {**keys, "repeat": repeat}

    # Outputs.

    def draw_outputs(self, draft: Draft) -> list[Output]:
        """Signs after any step, and reals; reals alone where no signs are drawn."""
        outputs = [self.signs(draft) for _ in range(self.integer(0, self.most_signs))]
        if not outputs or self.flag():
            outputs.append(Output())
        if self.most_signs and self.happens(0.2):
            outputs.append(Output(after=self.early(draft)))
        order: list[int] = self.rng.permutation(len(outputs)).tolist()
        return [outputs[index] for index in order]

    def early(self, draft: Draft) -> int:
        """How many steps an output follows, of those after which values are not too large."""
        return self.choose([after for after, b in enumerate(draft.bounds) if b <= MOST])

    def signs(self, draft: Draft) -> Output:
        channels = draft.shape[2]
        if draft.spread is not None and self.flag():
            limit = int(2 * draft.spread) + 2
            threshold = self.rng.integers(-limit, limit, channels).astype(np.int32)
            return self.signs_after(0, threshold, channels)
        after = self.early(draft) if self.happens(0.3) else None
        size = min(1.0, draft.bounds[-1 if after is None else after])
        if after == 0 or (after is None and not draft.steps):
            size = draft.spread or size
        threshold = None if self.happens(0.2) else self.floats(channels, size=size)
        return self.signs_after(after, threshold, channels)

    def signs_after(self, after: int | None, threshold: Array | None, channels: int) -> Output:
        flip = self.rng.integers(0, 2, channels).astype(np.uint8)
        return Output(
            "signs",
            after=after,
            threshold=None if threshold is None else self.constant(threshold),
            flip=None if self.happens(0.3) else self.constant(flip),
        )


def without_defaults(rule: Operation | StepRule, keys: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that differ from the table's defaults, which are all that a file holds."""
    defaults = {key.name: key.default for key in rule.keys if not key.required}
    return {name: v for name, v in keys.items() if name not in defaults or v != defaults[name]}


def _bound_after(op: str, bound: float, factor: float, arrays: dict[str, Array]) -> float:
    """How large values may be after a step; factor: how large its operand may be."""
    largest = {name: float(np.abs(array).max()) for name, array in arrays.items()}
    if op == "affine":
        return bound * largest["scale"] + largest["shift"]
    if op == "offset":
        return bound + largest["value"]
    if op in ("add", "subtract"):
        return bound + factor * largest.get("weighted", 1.0)
    if op == "multiply":
        return bound * factor
    if op in ("prelu", "maxout"):
        return bound * max(largest["slope"], largest.get("positive_slope", 1.0), 1.0)
    if op == "clip":
        return max(largest.values())
    return min(bound, 1.0) if op == "hardtanh" else 1.0 if op in SQUASHING else bound
