"""The table of operations and steps, operations.toml, as data that everything else reads.

A new operation is a row there; see HACKING.md for the other files that it takes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

__all__ = ["KEYS", "LIMITS", "OPERATIONS", "STEPS", "Key", "Operation", "StepRule"]


@dataclass(frozen=True)
class Key:
    """What a key of an operation or step may hold; operations.toml says what the words mean."""

    name: str
    type: str
    says: str
    default: Any = None
    """In the graph's terms: tuples, None for an absent constant. A required key has none."""
    required: bool = False
    least: int = 0
    most: int = 0
    choices: tuple[str, ...] = ()
    shape: str = ""
    """The name of the rule for a constant's shape."""


@dataclass(frozen=True)
class Operation:
    """One row of the table: what an operation reads, its keys in order, and what it yields."""

    name: str
    inputs: tuple[tuple[str, ...], ...]
    """Kinds that each input may be."""
    many: bool
    """Further inputs may follow, of the last input's kinds."""
    keys: tuple[Key, ...]
    dtypes: Mapping[str, tuple[str, ...]]
    """Key of a constant → the dtypes it may have."""
    shape: str
    yields: str
    says: str
    arithmetic: str
    """Paragraphs of Markdown for docs/format.md."""
    reads: str = "one"
    """How many values are read for one that is yielded; operations.toml has the words."""

    @property
    def counts_signs(self) -> bool:
        """Whether it adds up the signs of each group, whose bits the engine then aligns."""
        return self.reads == "taps" and self.inputs == (("bits",),)


@dataclass(frozen=True)
class StepRule:
    """One row of the table of steps: its keys, in order."""

    name: str
    keys: tuple[Key, ...]
    says: str
    arithmetic: str
    """As an operation's; empty where `says` is enough."""
    dtypes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


_ABSENT = {"constant": "none"}
"""What the table says for a default that is the absence of a value."""


def _key(name: str, row: Mapping[str, Any]) -> Key:
    default = row.get("default")
    if isinstance(default, list):
        default = tuple(default)
    if default == _ABSENT.get(row["type"]):
        default = None
    most = row.get("most", 0)
    return Key(
        name,
        row["type"],
        row["says"],
        default,
        required="default" not in row,
        least=row.get("least", 0),
        most=LIMITS.get(most, most),
        choices=tuple(row.get("choices", ())),
        shape=row.get("shape", ""),
    )


def _operation(name: str, row: Mapping[str, Any]) -> Operation:
    keys = tuple(KEYS[key] for key in row["keys"])
    return Operation(
        name,
        tuple(tuple(kinds) for kinds in row["inputs"]),
        row.get("many", False),
        keys,
        {key.name: tuple(row[key.name]) for key in keys if key.type == "constant"},
        row["shape"],
        row["yields"],
        row["says"],
        row["arithmetic"],
        row.get("reads", "one"),
    )


def _step(name: str, row: Mapping[str, Any]) -> StepRule:
    keys = tuple(KEYS[key] for key in row["keys"])
    dtypes = {key.name: ("F32",) for key in keys if key.type == "constant"}
    return StepRule(name, keys, row["says"], row.get("arithmetic", ""), dtypes)


_ROWS = tomllib.loads(
    resources.files("signbit.bitformat").joinpath("operations.toml").read_text("utf-8")
)

LIMITS: Mapping[str, int] = _ROWS["limits"]
KEYS = {name: _key(name, row) for name, row in _ROWS["keys"].items()}
OPERATIONS = {name: _operation(name, row) for name, row in _ROWS["operations"].items()}
STEPS = {name: _step(name, row) for name, row in _ROWS["steps"].items()}
