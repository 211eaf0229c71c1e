"""What a caller may feed a graph: which arrays can be a batch of which tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from signbit.bitformat.checks import Array
from signbit.bitformat.graph import Graph
from signbit.bitformat.int16_stem import is_int16
from signbit.bitformat.validate import Tensor
from signbit.errors import InputError
from signbit.runtime.ports import DTYPES, Inputs, batch_check, by_name, common_count

__all__ = ["Feeds"]


class Feeds:
    """Checks the arrays that a caller gives; raises InputError for what does not fit."""

    def __init__(
        self, graph: Graph, tensors: Sequence[Tensor], constants: Mapping[str, Array]
    ) -> None:
        self._names = [given.name for given in graph.inputs]
        self._tensors = tensors
        self._dtypes = dict(DTYPES)
        has_tables = any(given.table is not None for given in graph.inputs)
        if has_tables or any(is_int16(node, constants) for node in graph.nodes):
            self._dtypes["image"] = (np.dtype(np.uint8),)

    def label(self, number: int) -> str:
        """How messages call a tensor: an input by its name."""
        return repr(self._names[number]) if number < len(self._names) else f"tensor {number}"

    def of_inputs(self, inputs: Inputs) -> dict[int, Array]:
        """The feeds that a call's argument stands for."""
        given = by_name(inputs, self._names)
        return {number: given[name] for number, name in enumerate(self._names)}

    def check(self, feeds: Mapping[int, Array]) -> int:
        """Check each feed against its tensor; return the batch size they share."""
        if not feeds:
            raise InputError("feeds: at least one tensor must be fed")
        for number, array in feeds.items():
            if number not in range(len(self._tensors)):
                raise InputError(f"feeds: the graph has no tensor {number!r}")
            label, (kind, shape) = self.label(number), self._tensors[number]
            batch_check(label, kind, shape, self._dtypes[kind])(array)
            if kind == "image" and not np.isfinite(array).all():
                raise InputError(f"{label}: pixels must be finite; some are NaN or infinite")
        return common_count({self.label(number): array for number, array in feeds.items()}, "feeds")
