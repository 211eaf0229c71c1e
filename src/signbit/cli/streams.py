"""Standard streams that are closed, full or no longer read: no traceback, as with other tools."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from typing import BinaryIO, TextIO, TypeVar

__all__ = ["STDOUT", "open_closed_ones", "stdout_by_name"]

STDOUT = "standard output"
"""What an error's `filename` is where stdout could not be written."""

Result = TypeVar("Result")


def open_closed_ones() -> None:
    """Put /dev/null where a standard stream is closed, so that no other file takes its number.

    Reading from stdin and writing to stdout fail as on the closed stream; stderr is silent.
    """
    for number, mode in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # takes the lowest number that is free: this one
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


@contextlib.contextmanager
def stdout_by_name() -> Iterator[None]:
    """Every OSError of stdout names it meanwhile; all that was printed is written at the end.

    Where that fails, what is left is dropped, so that the interpreter does not fail on it again.
    """
    stdout = sys.stdout
    named = _Named(stdout)
    try:
        with contextlib.redirect_stdout(named):
            yield
            named.flush()
    finally:
        if named.failed:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stdout.fileno())
            os.close(null)


class _Named(io.TextIOBase):
    """A stream that writes to another one, and puts its name into errors."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failed = False

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    @property
    def buffer(self) -> BinaryIO:
        return self._stream.buffer

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        return self._named(lambda: self._stream.write(text))

    def flush(self) -> None:
        return self._named(self._stream.flush)

    def _named(self, act: Callable[[], Result]) -> Result:
        try:
            return act()
        except OSError as error:
            self.failed = True
            raise OSError(error.errno, error.strerror, STDOUT) from error
