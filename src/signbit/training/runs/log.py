"""RUN/log.txt: what was said while a run was trained, without colours; later starts go on in it."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path

import signbit
from signbit.printable import printable

__all__ = ["RunLog"]


class RunLog:
    """The log of the run in `folder`. Nothing is written before `begin`, as there may be no run."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "log.txt"
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        self._waiting = [f"{now}, signbit {signbit.__version__}"]
        self._begun = False

    def begin(self) -> None:
        """The folder is this run's, and nobody else trains into it: write what has been said."""
        self._begun = True
        self._write()

    def say(self, text: str) -> None:
        """Add a line. A log that cannot be written ends no training."""
        self._waiting.append(printable(text))
        if self._begun:
            self._write()

    def _write(self) -> None:
        lines = "".join(f"{line}\n" for line in self._waiting)
        with contextlib.suppress(OSError), self._path.open("ab") as file:
            file.write(lines.encode("utf-8", "backslashreplace"))
        self._waiting.clear()
