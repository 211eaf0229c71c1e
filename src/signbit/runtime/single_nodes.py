"""Some nodes of a graph alone: what `Engine.run_nodes` checks and allocates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.errors import InputError
from signbit.runtime import _native
from signbit.runtime.ports import DTYPES, Input, batch_check, common_count

__all__ = ["SingleNodes"]

Array = npt.NDArray[Any]

_Tensor = tuple[str, tuple[int, int, int]]
"""(kind, shape of one sample)"""

_DOTS = "#dots"


@dataclass(frozen=True)
class SingleNodes:
    """A model, its inputs, its nodes' names, the check of each input, and the dtypes that a kind
    of tensor may have.
    """

    model: _native.Model
    inputs: Sequence[Input]
    names: Sequence[str]
    checks: Sequence[Callable[[Array], Array]]
    dtypes: Mapping[str, tuple[np.dtype[Any], ...]]

    def run(
        self, feeds: Mapping[int, Array], fetches: Iterable[int | str]
    ) -> dict[int | str, Array]:
        """See `Engine.run_nodes`."""
        if not feeds:
            raise InputError("feeds: at least one tensor must be fed")
        tensors = self.model.tensors
        given = [(number, self._checked(number, feed, tensors)) for number, feed in feeds.items()]
        count = common_count(feeds, "feeds")
        results: dict[int | str, Array] = {}
        targets: list[tuple[int, Array]] = []
        for wanted in dict.fromkeys(fetches):
            if isinstance(wanted, int) and wanted in feeds:
                results[wanted] = feeds[wanted]
                continue
            number, shape, dtype = self._fetch(wanted, tensors)
            results[wanted] = np.empty((count, *shape), dtype)
            targets.append((number, results[wanted]))
        self.model.run_nodes(count, given, targets)
        return results

    def _checked(self, number: int, array: Array, tensors: Sequence[_Tensor]) -> Array:
        if number not in range(len(tensors)):
            raise InputError(f"feeds: the graph has no tensor {number!r}")
        if number < len(self.inputs):
            return self.checks[number](array)
        kind, shape = tensors[number]
        return batch_check(f"tensor {number}", kind, shape, self.dtypes[kind])(array)

    def _fetch(
        self, wanted: int | str, tensors: Sequence[_Tensor]
    ) -> tuple[int, tuple[int, int, int], npt.DTypeLike]:
        """What a fetch yields: its number for the native side, shape of one sample, dtype."""
        if isinstance(wanted, int) and wanted in range(len(tensors)):
            if wanted < len(self.inputs):
                name = self.inputs[wanted].name
                raise InputError(f"feeds: {name!r} is needed and must be fed")
            kind, shape = tensors[wanted]
            return wanted, shape, DTYPES[kind][0]
        for number, (name, node) in enumerate(zip(self.names, self.model.nodes, strict=True)):
            if wanted == f"{name}{_DOTS}" and any(node["dots"]):
                return -1 - number, node["dots"], np.int32
        raise InputError(
            f"fetches: {wanted!r} is neither the number of a tensor nor "
            f"'<name of a binary_conv or int16 stem>{_DOTS}'"
        )
