"""Images in rows of Parquet files, read one group of rows at a time, so that memory is bounded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from signbit.data.pixels.images import decode
from signbit.errors import DataError

__all__ = ["Rows", "unreadable"]

# What encoded rows may take, in bytes; two groups are held however large they are.
_HELD = 1 << 30


@dataclass(frozen=True)
class Rows:
    """Image i is in row i of the files; a process that is sent this reads them itself.

    The groups of rows that were read last are held, encoded, up to 1 GiB. Raises DataError where a
    file cannot be read.
    """

    folder: Path
    split: str
    files: list[Path]
    column: str

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __call__(self, index: int) -> NDArray[np.uint8]:
        group = int(np.searchsorted(self._ends, index, side="right"))
        start = int(self._ends[group - 1]) if group else 0
        row: dict[str, Any] = self._held(group)[index - start].as_py() or {}
        where = f"image {index} of the {self.split} split ({row.get('path') or 'no name'})"
        if not row.get("bytes"):
            raise DataError(f"{self.folder}: {where}: no bytes stored; write images into the file")
        return decode(row["bytes"], f"{self.folder}: {where}")

    @cached_property
    def _groups(self) -> list[tuple[Path, int, int, int]]:
        """(file, number in it, rows, bytes) of each group of rows."""
        import pyarrow
        from pyarrow import parquet

        found = []
        try:
            for path in self.files:
                metadata = parquet.read_metadata(path)
                for number in range(metadata.num_row_groups):
                    group = metadata.row_group(number)
                    found.append((path, number, group.num_rows, group.total_byte_size))
        except (pyarrow.ArrowException, OSError) as error:
            raise unreadable(self.folder, self.split, error) from error
        return found

    @cached_property
    def _ends(self) -> NDArray[np.int64]:
        """The number of rows up to the end of each group."""
        return np.cumsum([rows for _, _, rows, _ in self._groups], dtype=np.int64)

    @cached_property
    def _held(self) -> Callable[[int], Any]:
        """The encoded rows of a group, which is read if it is not held. For any thread."""
        largest = max(size for _, _, _, size in self._groups)
        read = lru_cache(max(2, _HELD // max(largest, 1)))(self._read)
        lock = Lock()

        def held(group: int) -> Any:
            with lock:
                return read(group)

        return held

    def _read(self, group: int) -> Any:
        import pyarrow
        from pyarrow import parquet

        path, number, _, _ = self._groups[group]
        try:
            with parquet.ParquetFile(path) as file:
                return file.read_row_group(number, columns=[self.column]).column(self.column)
        except (pyarrow.ArrowException, OSError, KeyError) as error:
            raise unreadable(self.folder, self.split, error) from error

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_held"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def unreadable(folder: Path, split: str, error: Exception) -> DataError:
    """The error about files that are damaged, gone or not this user's."""
    return DataError(f"{folder}: cannot read the {split} split ({error}); copy its files anew")
