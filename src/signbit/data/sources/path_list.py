"""Many paths in little memory: the bytes of their names, and each folder's name once.

A list of 50,000 `Path`s takes 20 MB and more, this takes 1 MB.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

__all__ = ["Names", "Paths"]


class Names(Sequence[str]):
    """Paths as text, as they were appended."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._folders: list[str] = []
        self._folder_of = array("I")
        self._bytes = bytearray()
        self._ends = array("Q", [0])
        self.extend(texts)

    def append(self, text: str) -> None:
        """Add one at the end; those of a folder take least where they follow each other."""
        folder, slash, name = text.rpartition("/")
        folder += slash
        if not self._folders or self._folders[-1] != folder:
            self._folders.append(folder)
        self._folder_of.append(len(self._folders) - 1)
        self._bytes += name.encode("utf-8", "surrogatepass")  # as Python keeps names in other codes
        self._ends.append(len(self._bytes))

    def extend(self, texts: Iterable[str]) -> None:
        """Add several at the end, in order."""
        for text in texts:
            self.append(text)

    def __len__(self) -> int:
        return len(self._folder_of)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Names: ...

    def __getitem__(self, index: int | slice) -> str | Names:
        chosen = range(len(self))[index]
        if isinstance(chosen, range):
            return Names(self[each] for each in chosen)
        name = self._bytes[self._ends[chosen] : self._ends[chosen + 1]]
        return self._folders[self._folder_of[chosen]] + name.decode("utf-8", "surrogatepass")


class Paths(Sequence[Path]):
    """The same as `Path`s, each made when it is asked for."""

    def __init__(self, names: Names, chosen: NDArray[np.int64] | None = None) -> None:
        self._names = names
        self._chosen = chosen

    def take(self, indices: NDArray[np.int64]) -> Paths:
        """Those at `indices`, in that order."""
        return Paths(self._names, indices if self._chosen is None else self._chosen[indices])

    def __len__(self) -> int:
        return len(self._names) if self._chosen is None else len(self._chosen)

    @overload
    def __getitem__(self, index: int) -> Path: ...

    @overload
    def __getitem__(self, index: slice) -> Paths: ...

    def __getitem__(self, index: int | slice) -> Path | Paths:
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        return Path(self._names[index if self._chosen is None else int(self._chosen[index])])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and [*self] == [*other]
