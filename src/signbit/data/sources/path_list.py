"""Many paths in little memory: the bytes of their names, and each folder's name once.

A list of 50,000 `Path`s takes 20 MB and more, this takes 1 MB.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from heapq import merge
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

__all__ = ["Names", "Paths", "SortedNames"]

_RUN = 2048  # names that are held as text until they are sorted


class Names(Sequence[str]):
    """Paths as text, as they were appended."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._folders: list[str] = []
        self._starts = array("Q")  # the first name of each folder
        self._bytes = bytearray()
        self._ends = array("Q", [0])
        self.extend(texts)

    def append(self, text: str) -> None:
        """Add one at the end; those of a folder take least where they follow each other."""
        folder, slash, name = text.rpartition("/")
        folder += slash
        if not self._folders or self._folders[-1] != folder:
            self._folders.append(folder)
            self._starts.append(len(self))
        self._bytes += name.encode("utf-8", "surrogatepass")  # as Python keeps names in other codes
        self._ends.append(len(self._bytes))

    def extend(self, texts: Iterable[str]) -> None:
        """Add several at the end, in order."""
        for text in texts:
            self.append(text)

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Names: ...

    def __getitem__(self, index: int | slice) -> str | Names:
        chosen = range(len(self))[index]
        if isinstance(chosen, range):
            return Names(self[each] for each in chosen)
        name = self._bytes[self._ends[chosen] : self._ends[chosen + 1]]
        folder = self._folders[bisect_right(self._starts, chosen) - 1]
        return folder + name.decode("utf-8", "surrogatepass")


class SortedNames:
    """Takes paths as text, in any order; few of them are held as text at a time."""

    def __init__(self) -> None:
        self._runs: list[Names] = []
        self._unsorted: list[str] = []

    def append(self, text: str) -> None:
        """Add one."""
        self._unsorted.append(text)
        if len(self._unsorted) == _RUN:
            self._end_run()

    def all(self) -> Names:
        """What was appended, sorted."""
        self._end_run()
        return self._runs[0] if len(self._runs) == 1 else Names(merge(*self._runs))

    def _end_run(self) -> None:
        self._runs.append(Names(sorted(self._unsorted)))
        self._unsorted.clear()


class Paths(Sequence[Path]):
    """The same as `Path`s, each made when it is asked for.

    `names` are those of all that there were before some were taken.
    """

    def __init__(self, names: Names, chosen: NDArray[np.int64] | None = None) -> None:
        self.names = names
        self._chosen = chosen

    def take(self, indices: NDArray[np.int64]) -> Paths:
        """Those at `indices`, in that order."""
        return Paths(self.names, indices if self._chosen is None else self._chosen[indices])

    def __len__(self) -> int:
        return len(self.names) if self._chosen is None else len(self._chosen)

    @overload
    def __getitem__(self, index: int) -> Path: ...

    @overload
    def __getitem__(self, index: slice) -> Paths: ...

    def __getitem__(self, index: int | slice) -> Path | Paths:
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        return Path(self.name(index))

    def name(self, index: int) -> str:
        """The same as text, of which Python keeps no part in a table."""
        return self.names[index if self._chosen is None else int(self._chosen[index])]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and [*self] == [*other]
