"""Where the answers about photographs go: lines for people, JSON, or a CSV or JSON Lines file."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import typer

from signbit.cli import console
from signbit.cli.as_json import json_text
from signbit.errors import InputError

__all__ = ["CLASSES", "NEAREST", "Answers", "Found", "Kind", "answers_file"]

Found = Sequence[tuple[str, float]]
"""What was found for a photograph, best first: names, each with its number."""


class Kind(NamedTuple):
    """Words for what is found: of a name and its number, in a CSV file and in JSON."""

    columns: tuple[str, str]
    keys: tuple[str, str]
    every: str  # key of the list
    shown: Callable[[float], str]


CLASSES = Kind(("class", "probability"), ("name", "probability"), "classes", console.percent)
NEAREST = Kind(("similar", "cosine"), ("file", "cosine"), "nearest", "{:.3f}".format)


def answers_file(text: str) -> Path:
    """The path in an --out."""
    path = Path(text)
    if path.suffix.lower() not in (".csv", ".jsonl"):
        raise typer.BadParameter(f"must end in .csv or .jsonl, is {text!r}")
    return path


class Answers:
    """Takes a photograph's path and what was found, one by one.

    Without a file it is a line on stdout, at once, or with `as_json` becomes a part of `figures`.
    A file has a line for each photograph, written at once, so that it is whole whenever the command
    ends; a CSV file begins with a header and has `most` names and numbers in a row. A file's name
    that is not UTF-8 has its own bytes in a CSV file, and is as in --json in a .jsonl file.

    Raises InputError for a file that is there already and not empty, unless it shall be
    overwritten; OSError, with the file's name, where it cannot be written.
    """

    def __init__(
        self, kind: Kind, most: int, out: Path | None, *, overwrite: bool, as_json: bool
    ) -> None:
        self._kind, self._out = kind, out
        self._photos: list[dict[str, object]] = []
        self._written = 0
        self.are_lines = out is None and not as_json
        if out is None:
            return
        if not overwrite and out.is_file() and out.stat().st_size:
            raise InputError(f"{out}: is there already; add --overwrite to replace it")
        self._file = _LineFile(out)
        self._rows = csv.writer(self._file, lineterminator="\n")
        if out.suffix.lower() == ".csv":
            places = ["", *(f"_{place}" for place in range(2, most + 1))]
            columns = [f"{column}{place}" for place in places for column in kind.columns]
            self._rows.writerow(["file", *columns])

    def add(self, file: str, found: Found) -> None:
        """What was found for the photograph of this path."""
        if self.are_lines:
            told = ", ".join(f"{name} {self._kind.shown(number)}" for name, number in found)
            print(f"{file}: {told}", flush=True)
            return
        each = [dict(zip(self._kind.keys, pair, strict=True)) for pair in found]
        photo: dict[str, object] = {"file": file, self._kind.every: each}
        if self._out is None:
            self._photos.append(photo)
            return
        self._written += 1
        if self._out.suffix.lower() == ".csv":
            self._rows.writerow([file, *(value for pair in found for value in pair)])
        else:
            self._file.write(json_text(photo) + "\n")

    @property
    def figures(self) -> dict[str, object]:
        """For --json: the photographs, or the file and how many are in it."""
        if self._out is None:
            return {"photos": self._photos}
        return {"out": str(self._out), "written": self._written}

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._out is not None:
            self._file.close()


class _LineFile:
    """A text file that is written through, whose errors say its name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("w", encoding="utf-8", errors="surrogateescape", newline="")

    def write(self, text: str) -> None:
        with self._named():
            self._file.write(text)
            self._file.flush()

    def close(self) -> None:
        with self._named():
            self._file.close()

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._path)) from error
