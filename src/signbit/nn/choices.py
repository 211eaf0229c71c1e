"""What became of each choice between a native op and the modules, for whoever wants to know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from torch import nn

__all__ = ["Choice", "recorded_choices", "takes"]


class Choice(NamedTuple):
    """Whether a native op was taken for a module; `reason` says why not, None: it was."""

    module: nn.Module
    op: str
    reason: str | None


_records: list[list[Choice]] = []


def takes(module: nn.Module, op: str, reason: str | None) -> bool:
    """Whether the op is taken: there is no reason against it."""
    for record in _records:
        record.append(Choice(module, op, reason))
    return reason is None


@contextmanager
def recorded_choices() -> Iterator[list[Choice]]:
    """The choices made inside the block, in the whole process, in their order."""
    record: list[Choice] = []
    _records.append(record)
    try:
        yield record
    finally:
        _records[:] = [each for each in _records if each is not record]
