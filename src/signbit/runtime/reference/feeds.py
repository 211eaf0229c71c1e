"""What a caller may feed a graph: which arrays can be a batch of which tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from signbit.bitformat.checks import Array
from signbit.bitformat.graph import Graph
from signbit.bitformat.int16_stem import REFUSAL, is_int16
from signbit.bitformat.validate import Tensor
from signbit.errors import InputError

__all__ = ["Feeds"]

_DTYPES = {
    "image": (np.dtype(np.uint8), np.dtype(np.float32)),
    "real": (np.dtype(np.float32),),
    "bits": (np.dtype(np.uint8),),
}


class Feeds:
    """Checks the arrays that a caller gives; raises InputError for what does not fit."""

    def __init__(
        self, graph: Graph, tensors: Sequence[Tensor], constants: Mapping[str, Array]
    ) -> None:
        self._names = [given.name for given in graph.inputs]
        self._tensors = tensors
        self._dtypes = dict(_DTYPES)
        if any(is_int16(node, constants) for node in graph.nodes):
            self._dtypes["image"] = (np.dtype(np.uint8),)

    def label(self, number: int) -> str:
        """How messages call a tensor: an input by its name."""
        return repr(self._names[number]) if number < len(self._names) else f"tensor {number}"

    def of_inputs(self, inputs: Array | Mapping[str, Array]) -> dict[int, Array]:
        """The feeds that a call's argument stands for: one array, or name → array of several."""
        if len(self._names) == 1:
            return {0: inputs}  # type: ignore[dict-item]  # `check` refuses what is no array
        if not isinstance(inputs, Mapping) or set(inputs) != set(self._names):
            names = ", ".join(map(repr, self._names))
            given = f"keys {list(inputs)}" if isinstance(inputs, Mapping) else type(inputs).__name__
            raise InputError(
                f"inputs: must be a dict with an array for each of {names}, is {given}"
            )
        return {number: inputs[name] for number, name in enumerate(self._names)}

    def check(self, feeds: Mapping[int, Array]) -> int:
        """Check each feed against its tensor; return the batch size they share."""
        if not feeds:
            raise InputError("feeds: at least one tensor must be fed")
        for number, array in feeds.items():
            if not isinstance(number, int) or not 0 <= number < len(self._tensors):
                raise InputError(f"feeds: the graph has no tensor {number!r}")
            self._check_array(number, array)
        sizes = {self.label(number): len(array) for number, array in feeds.items()}
        if len(set(sizes.values())) > 1:
            found = ", ".join(f"{label}: {size}" for label, size in sizes.items())
            raise InputError(f"feeds: batch sizes differ: {found}")
        return next(iter(sizes.values()))

    def _check_array(self, number: int, array: Array) -> None:
        """Refuse an array that cannot be a batch of this tensor."""
        label, (kind, shape) = self.label(number), self._tensors[number]
        allowed = self._dtypes[kind]
        if not isinstance(array, np.ndarray) or array.dtype not in allowed:
            if isinstance(array, np.ndarray) and array.dtype in _DTYPES[kind]:
                raise InputError(f"{label}: {REFUSAL}")
            names = " or ".join(dtype.name for dtype in allowed)
            given = array.dtype.name if isinstance(array, np.ndarray) else type(array).__name__
            raise InputError(f"{label}: must be a NumPy array of {names}, is {given}")
        if array.ndim != 4 or array.shape[1:] != shape:
            expected = ", ".join(map(str, shape))
            raise InputError(f"{label}: must have shape (N, {expected}), has {array.shape}")
        if kind == "image" and not np.isfinite(array).all():
            raise InputError(f"{label}: pixels must be finite; some are NaN or infinite")
        if kind == "bits" and (array > 1).any():
            raise InputError(f"{label}: bits must be 0 or 1")
