"""What goes into an engine and comes out: descriptions, and the checks of a caller's arrays."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.errors import InputError

__all__ = ["Input", "Inputs", "Output"]

Array = npt.NDArray[Any]
Inputs = Array | Mapping[str, Array] | Sequence[Array]
"""What a call takes: an array of the one input, or of several a dict by name, or all in order."""
Shape = tuple[int, int, int]

DTYPES: Mapping[str, tuple[np.dtype[Any], ...]] = {
    "image": (np.dtype(np.uint8), np.dtype(np.float32)),
    "real": (np.dtype(np.float32),),
    "bits": (np.dtype(np.uint8),),
}
"""Kind of tensor → the dtypes that a batch of it may have."""


@dataclass(frozen=True)
class Input:
    """An array that a caller gives, by name.

    kind: image (uint8 or float32 in 0 … 255) or real (float32). shape: (height, width, channels) of
    one sample.
    """

    name: str
    kind: str
    shape: Shape


@dataclass(frozen=True)
class Output:
    """An array that a caller gets, by name.

    kind: real (float32) or bits (int8, −1 or +1). shape: (height, width, channels) of one sample.
    classes: one name per channel, or none. temperature: what scores are divided by before their
    softmax. least_probability: where no class reaches it, the answer is "none of these".
    """

    name: str
    kind: str
    shape: Shape
    classes: tuple[str, ...]
    temperature: float = 1.0
    least_probability: float = 0.0

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The shape of one sample in a batch's array: (channels,) where the output is a vector."""
        height, width, channels = self.shape
        return (channels,) if height == width == 1 else self.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of a batch's array."""
        return np.dtype(np.float32 if self.kind == "real" else np.int8)


def batch_check(
    name: str, kind: str, shape: Shape, dtypes: tuple[np.dtype[Any], ...]
) -> Callable[[Array], Array]:
    """A function that returns an array, contiguous, if it is a batch of such samples.

    It raises InputError that begins with `name`.
    """

    def check(array: Array) -> Array:
        if not isinstance(array, np.ndarray) or array.dtype not in dtypes:
            raise InputError(f"{name}: {_wrong_type(array, kind, dtypes)}")
        if array.ndim != 4 or array.shape[1:] != shape:
            expected = ", ".join(map(str, shape))
            raise InputError(f"{name}: must have shape (N, {expected}), has {array.shape}")
        if kind == "bits" and (array > 1).any():
            raise InputError(f"{name}: bits must be 0 or 1")
        return np.ascontiguousarray(array)

    return check


def _wrong_type(array: object, kind: str, dtypes: tuple[np.dtype[Any], ...]) -> str:
    given = type(array).__name__
    if isinstance(array, np.ndarray):
        if array.dtype in DTYPES[kind]:
            from signbit.bitformat.int16_stem import REFUSAL  # an engine does without the rest

            return REFUSAL
        given = array.dtype.name
        if not array.dtype.isnative:
            given += f" in foreign byte order ({array.dtype.str})"
    names = " or ".join(dtype.name for dtype in dtypes)
    return f"must be a NumPy array of {names}, is {given}"


def summary(inputs: Sequence[Input], outputs: Sequence[Output]) -> str:
    """What goes in and comes out, in a few words: names and shapes of the first two of each."""
    return " → ".join(_listed(ports) for ports in (inputs, outputs))


def _listed(ports: Sequence[Input] | Sequence[Output]) -> str:
    few = [f"{reprlib.repr(each.name)} {'×'.join(map(str, each.shape))}" for each in ports[:2]]
    return ", ".join([*few, f"{len(ports) - 2} more"] if ports[2:] else few)


def common_count(batches: Mapping[Any, Array], where: str) -> int:
    """How many samples all of the batches have; raises InputError where they differ."""
    sizes = {name: len(array) for name, array in batches.items()}
    if len(set(sizes.values())) > 1:
        raise InputError(f"{where}: batch sizes differ: {sizes}")
    return next(iter(sizes.values()))


def by_name(inputs: Inputs, names: Sequence[str]) -> Mapping[str, Array]:
    """The arrays of a call by the names of the inputs; InputError for other names or too few."""
    if isinstance(inputs, Mapping):
        for name in inputs:
            if name not in names:
                raise InputError(f"inputs: the model has no input {name!r}, only {[*names]}")
        for name in names:
            if name not in inputs:
                raise InputError(f"inputs: {name!r} is missing")
        return inputs
    if len(names) == 1:
        return {names[0]: inputs}  # type: ignore[dict-item]  # checked next
    wanted = f"a dict of {', '.join(map(repr, names))}, or these arrays in order"
    if not isinstance(inputs, list | tuple):
        raise InputError(f"inputs: must be {wanted}, is {type(inputs).__name__}")
    if len(inputs) != len(names):
        raise InputError(f"inputs: must be {wanted}; there are {len(inputs)}")
    return dict(zip(names, inputs, strict=True))


def checked_batch(
    inputs: Inputs,
    names: Sequence[str],
    checks: Sequence[Callable[[Array], Array]],
) -> tuple[int, list[Array]]:
    """How many samples there are, and an array for each input, in the order of these names.

    checks: one per input. Raises InputError for what is missing or unknown, as the checks do, and
    for batches of different sizes.
    """
    if isinstance(inputs, np.ndarray) and len(checks) == 1:
        array = checks[0](inputs)
        return len(array), [array]
    given = by_name(inputs, names)
    batch = [check(given[name]) for name, check in zip(names, checks, strict=True)]
    return common_count(given, "inputs"), batch


def first_output(answers: Any) -> Array:
    """Of what an engine answered, an array or a dict of them by name, the first output's array."""
    first: Array = next(iter(answers.values())) if isinstance(answers, dict) else answers
    return first
