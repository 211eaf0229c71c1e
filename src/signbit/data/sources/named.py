"""Sources of images that have a name: the built-in digits, and those of a user's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from signbit.data.loading.dataset import ImageDataset
from signbit.data.sources.arrays import in_memory
from signbit.data.sources.digits import open_digits
from signbit.errors import DataError

__all__ = ["MEMORY", "OpenSplit", "is_named", "memory_is", "open_named", "register", "source_names"]

OpenSplit = Callable[[str], object]
"""The name of a split, "train" or "test" -> its images: see `register`."""

MEMORY = "memory"
"""The name of images that a program had, and that cannot be opened again."""

_named: dict[str, OpenSplit] = {"digits": open_digits}
_in_memory: ContextVar[OpenSplit | None] = ContextVar("images in memory", default=None)


@contextmanager
def memory_is(open_split: OpenSplit) -> Iterator[None]:
    """Meanwhile the source `MEMORY` is that one, in this thread."""
    token = _in_memory.set(open_split)
    try:
        yield
    finally:
        _in_memory.reset(token)


def register(name: str, open_split: OpenSplit) -> None:
    """Make `open_dataset`, and so recipes and --data, know a source of a user's own.

    open_split: called with "train" or "test" (or what a recipe's data.test_split says); returns
    what `in_memory` takes. It raises DataError for a split that it does not have. Raises DataError
    if the name is taken or looks like a path or the Hub's.
    """
    if name in _named or name == MEMORY:
        raise DataError(f"data source {name!r} is already registered; choose another name")
    if not name.replace("-", "").replace("_", "").isalnum():
        raise DataError(
            f"data source {name!r}: a name is of letters, digits, - and _; choose another"
        )
    _named[name] = open_split


def source_names() -> list[str]:
    """The names that `open_named` knows, in the order they came."""
    return list(_named)


def is_named(source: str | Path) -> bool:
    """Whether a source is meant by its name, and so is no path."""
    return isinstance(source, str) and (source in _named or source == MEMORY)


def open_named(name: str, split: str) -> ImageDataset:
    """The images of one split. Raises DataError where they cannot be had."""
    opened = _in_memory.get() if name == MEMORY else _named[name]
    if opened is None:
        raise DataError(
            "the images of this run were a program's own, in memory; name a source with --data"
        )
    return in_memory(opened(split), source=name, split=split)
