"""Where an engine's file comes from, so that a pickle can carry its bytes.

The engine holds what its kernels read, not the file. Bytes that a caller gave are the caller's; a
file on disk stays open, also where its name goes, and is read once more for a pickle.
"""

from __future__ import annotations

import os
import stat
import weakref
from io import FileIO

from signbit.errors import InputError, ModelFileError
from signbit.hub import MODEL, hub_file, is_hub

__all__ = ["Source"]


class Source:
    """A model's file: its bytes, or its path."""

    def __init__(self, given: str | os.PathLike[str] | bytes) -> None:
        if not isinstance(given, str | os.PathLike | bytes):
            raise InputError(
                f"source: must be a path, or the bytes of an .sbnn file, is {type(given).__name__}"
            )
        self._name = "" if isinstance(given, bytes) else _shown(given)
        self._held: bytes | FileIO
        if isinstance(given, bytes):
            self._held = given
            return
        if not os.fspath(given):
            raise InputError("source: is empty; name an .sbnn file")
        if "\0" in os.fsdecode(given):
            raise ModelFileError(f"{given!r}: a path cannot contain a null character")
        if is_hub(given):
            given = hub_file(given, MODEL, ModelFileError)
        try:
            self._held = FileIO(given)
            weakref.finalize(self, self._held.close)  # else Python warns of an open file
            self._state = self._now()
            if not stat.S_ISREG(os.fstat(self._held.fileno()).st_mode):
                with self._held as pipe:
                    self._held = pipe.readall()  # a pipe's bytes come once
        except OSError as error:
            raise ModelFileError(f"{self._name}: {error.strerror}") from error

    def read(self) -> bytes:
        """The bytes, the same at every call.

        Raises ModelFileError where the file cannot be read, or was written to since it was opened.
        """
        if isinstance(self._held, bytes):
            return self._held
        try:
            self._held.seek(0)
            data = self._held.readall()
        except OSError as error:
            raise ModelFileError(f"{self._name}: {error.strerror}") from error
        if self._now() != self._state:
            raise ModelFileError(
                f"{self._name}: the file was written to since it was loaded; load it again, or "
                "load its bytes"
            )
        return data

    def named(self, error: ModelFileError) -> ModelFileError:
        """An error of the file, with its path where it has one."""
        return type(error)(f"{self._name}: {error}") if self._name else error

    def _now(self) -> tuple[int, int]:
        """What changes when the file is written to."""
        assert not isinstance(self._held, bytes)
        found = os.fstat(self._held.fileno())
        return found.st_size, found.st_mtime_ns


def _shown(path: str | os.PathLike[str]) -> str:
    """A path, which may be any bytes, as text."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
