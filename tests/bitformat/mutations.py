"""Every small way of breaking a valid file: its graph's JSON key by key, its constants one by one.

A mutation changes a graph's JSON object (or a table of constants) in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from tests.bitformat.builder import Array, Constants

from signbit.bitformat.table import KEYS, OPERATIONS, STEPS, Key, Operation, StepRule

__all__ = ["Mutation", "Path", "at", "constant_mutations", "graph_mutations", "places"]

Path = tuple[Any, ...]

ODD: tuple[Any, ...] = (
    *(None, True, False, 1.0, "", "real", "each", "\ud800", {}),
    *(-1, 0, 1, 2, 3, 7, 16_384, 16_385, 65_535, 65_536, 65_537),
    *(2**31, 2**32 + 1, 2**63, 2**64 + 1, -(2**63) - 1),
    *([], [1], [0, 0], [2, 1], [1, 1, 1, 1], [[0, 1]], [[0, 0]]),
)
"""What may stand anywhere in a JSON text: wrong types, edges of ranges, lists of other lengths."""
FEW: tuple[Any, ...] = (None, 1.0, -1, 0, 1, 2, 16_385, 65_537, 2**64 + 1)
"""The same, for the numbers of a list, of which there are many."""


@dataclass(frozen=True)
class Mutation:
    """A change in place of a graph's JSON object, or of a table of constants."""

    label: str
    apply: Callable[[Any], object]


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every value in a JSON value, but what is inside the free `source`."""
    if path:
        yield path
    if path == ("source",):
        return
    items = value.items() if isinstance(value, dict) else []
    items = enumerate(value) if isinstance(value, list) else items
    for key, item in items:
        yield from places(item, (*path, key))


def at(value: Any, path: Path) -> Any:
    """The value at a path."""
    for key in path:
        value = value[key]
    return value


def graph_mutations(graph: Any) -> Iterator[Mutation]:
    """Of every value, list and object of a graph's JSON object, and of every node and step."""
    for path in places(graph):
        yield from _of_a_value(at(graph, path), path)
    for path in ((), *places(graph)):
        if isinstance(at(graph, path), dict) and path != ("source",):
            yield from _of_an_object(at(graph, path), path)


def _of_a_value(value: Any, path: Path) -> Iterator[Mutation]:
    *parent, key = path

    def changed(label: str, change: Callable[[Any], object]) -> Mutation:
        return Mutation(f"{path} {label}", lambda graph: change(at(graph, tuple(parent))))

    yield changed("deleted", lambda holder: holder.pop(key))
    if isinstance(key, str):
        yield changed("renamed", lambda holder: holder.update({key + "s": holder.pop(key)}))
    near = (value - 1, value + 1) if type(value) is int else ()
    odd = FEW if near and isinstance(key, int) else ODD
    for other in (*odd, *near):
        yield changed(f"= {other!r}", lambda holder, other=other: _put(holder, key, other))
    if isinstance(value, list) and value:
        yield changed("longer", lambda holder: holder[key].append(holder[key][-1]))
        yield changed("reversed", lambda holder: holder[key].reverse())


def _put(holder: Any, key: Any, value: Any) -> None:
    """A copy, as a graph that held one list twice could be mutated to hold it in itself."""
    holder[key] = deepcopy(value)


def _of_an_object(value: Any, path: Path) -> Iterator[Mutation]:
    def set_key(key: str, other: Any) -> Mutation:
        return Mutation(
            f"{path}.{key} = {other!r}", lambda graph: _put(at(graph, path), key, other)
        )

    yield set_key("extra", 1)
    if "op" not in value:
        return
    rows: Mapping[str, Operation | StepRule] = STEPS if value["op"] in STEPS else OPERATIONS
    for op in rows:
        yield set_key("op", op)
    for key in KEYS.values():
        values = list(_values(key))
        for other in values if key in rows[value["op"]].keys else values[:1]:
            yield set_key(key.name, other)


def _values(key: Key) -> Iterator[Any]:
    """Values that a key may have, and those just outside."""
    if key.default is not None:
        yield list(key.default) if isinstance(key.default, tuple) else key.default
    if key.type in ("pair", "sides"):
        count = 2 if key.type == "pair" else 4
        for edge in (key.least - 1, key.least, key.least + 1, key.most, key.most + 1):
            yield [edge] * count
            yield [*[1] * (count - 1), edge]
    elif key.type == "integer":
        yield from (key.least - 1, key.least, key.least + 1, key.most, key.most + 1)
    elif key.type == "flag":
        yield True
    elif key.type == "choice":
        yield from key.choices
    elif key.type == "taps":
        yield from ([[0, 1]], [[0, 1], [0, 0]], [[1, 0]], [[0, 16_385]], [[0]], [[0, 1], [0, 1]])
    else:  # a constant or an operand
        yield from range(24)


def constant_mutations(constants: Constants) -> Iterator[Mutation]:
    """Of every tensor of a file: gone, renamed, of other dtypes, shapes and values."""
    for name, array in constants.items():
        yield Mutation(f"{name} deleted", lambda table, name=name: table.pop(name))
        for other in ("spare", f"0{name}", name + " "):
            yield Mutation(
                f"{name} renamed {other!r}",
                lambda table, name=name, other=other: table.update({other: table.pop(name)}),
            )
        for label, changed in (*_retyped(array), *_reshaped(array), *_poked(array)):
            yield Mutation(
                f"{name} {label}", lambda table, name=name, new=changed: table.update({name: new})
            )
    for spare in (np.zeros(3, np.float32), np.zeros((), np.uint8), np.zeros(0, np.uint64)):
        yield Mutation(
            f"spare {spare.shape}", lambda table, spare=spare: table.update({"9999": spare})
        )


def _retyped(array: Array) -> Iterator[tuple[str, Array]]:
    for dtype in ("uint64", "float32", "int32", "int16", "uint8"):
        if array.dtype.name != dtype:
            yield dtype, np.zeros(array.shape, dtype)


def _reshaped(array: Array) -> Iterator[tuple[str, Array]]:
    yield "empty", array[:0]
    yield "flat", array.reshape(-1)
    yield "in a list", array[None]
    yield "in lists", array[..., None]
    for axis in range(array.ndim):
        yield f"shorter along {axis}", np.delete(array, 0, axis)
        yield f"longer along {axis}", np.repeat(array, 2, axis)


def _poked(array: Array) -> Iterator[tuple[str, Array]]:
    """The last item changed to the ends of its range."""
    values: tuple[Any, ...] = (np.nan, np.inf, -np.inf, -0.0, 3e38)
    if array.dtype.kind in "iu":
        info = np.iinfo(array.dtype)
        values = (int(info.min), int(info.max), 2, int(info.max) // 2, int(info.max) // 4 + 1)
    for value in values:
        changed = array.copy()
        changed.flat[-1] = value
        yield f"with {value}", changed
