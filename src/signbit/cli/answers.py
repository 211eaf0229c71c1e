"""Where the answers about photographs go: lines for people, JSON, or a CSV or JSON Lines file."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import SpooledTemporaryFile, gettempdir
from typing import NamedTuple

import typer

from signbit.cli import console
from signbit.cli.as_json import json_text, plain_text, print_json
from signbit.errors import InputError
from signbit.files import require_writable
from signbit.printable import encodable, printable
from signbit.words import counted, listed

__all__ = ["CLASSES", "NEAREST", "Answers", "Found", "Kind", "answers_file"]

_IN_MEMORY = 1 << 16  # characters of answers that wait for `publish`; more wait on the disk

NONE = "none of these"


class Found(NamedTuple):
    """What was found for a photograph, best first: names, each with its number.

    is_none: whether even the first is too unlikely to be the answer.
    """

    best: Sequence[tuple[str, float]]
    is_none: bool = False


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

    Without a file it is a line on stdout, at once, or with `as_json` a part of what `publish`
    prints, which waits in a temporary file.
    A file has a line for each photograph, written at once, so that it is whole whenever the command
    ends; a CSV file begins with a header and has `most` names and numbers in a row. A file's name
    that is not UTF-8 has its own bytes in a CSV file, and is as in --json in a .jsonl file.

    A file that is there already and not empty is gone on with (`resume`) or overwritten; else
    InputError is raised, also for one that is no such file or says other things. OSError, with the
    file's name, where it cannot be written.
    """

    def __init__(
        self,
        kind: Kind,
        most: int,
        out: Path | None,
        *,
        resume: bool,
        overwrite: bool,
        as_json: bool,
        tells_none: bool = False,
    ) -> None:
        self._kind, self._out, self._tells_none = kind, out, tells_none
        self._waiting = SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8")  # noqa: SIM115
        self._done: dict[str, str] = {}  # file → line
        self._written = 0
        self.are_lines = out is None and not as_json
        if out is None:
            return
        if not out.exists():
            require_writable(out)
        self._is_csv = out.suffix.lower() == ".csv"
        places = ["", *(f"_{place}" for place in range(2, most + 1))]
        columns = [f"{column}{place}" for place in places for column in kind.columns]
        columns += ["none"] if tells_none else []
        header = _row(["file", *columns]) if self._is_csv else ""
        if overwrite or not out.is_file() or not out.stat().st_size:
            self._file = _LineFile(out, "w")
            self._file.write(header)
            return
        if not resume:
            raise InputError(f"{out}: is there already; --resume goes on, --overwrite replaces it")
        text = _whole_lines(out)
        try:
            if self._is_csv:
                _require_same("columns", _first_row(text), ["file", *columns])
                if not text.startswith(header):
                    raise ValueError(header)
                self._done = dict(_csv_lines(text[len(header) :]))
            else:
                self._done = dict(_json_lines(text, kind, most, self._none_keys))
        except _OtherError as error:
            raise _of_another_command(out, f": {error}") from error
        except (ValueError, TypeError, LookupError, csv.Error) as error:
            raise _of_another_command(out) from error
        os.truncate(out, len(text.encode("utf-8", "surrogateescape")))
        self._file = _LineFile(out, "a")
        self._written = len(self._done)

    @property
    def _none_keys(self) -> Sequence[str]:
        return ("none",) if self._tells_none else ()

    def left(self, files: Sequence[str]) -> Sequence[str]:
        """The photographs that the file has no answer for, after the last one that it has.

        `add` holds that one's new answer against the file's, as the network may be another.
        """
        done = list(self._done)
        if not done:
            return files
        return [*done[-1:], *(file for file in files if file not in self._done)]

    def add(self, file: str, found: Found) -> None:
        """What was found for the photograph of this path."""
        if self.are_lines:
            told = ", ".join(f"{name} {self._kind.shown(number)}" for name, number in found.best)
            told = f"{NONE} ({told})" if found.is_none else told
            print(encodable(printable(f"{file}: {told}"), sys.stdout.encoding), flush=True)
            return
        each = [dict(zip(self._kind.keys, pair, strict=True)) for pair in found.best]
        photo: dict[str, object] = {"file": file, self._kind.every: each}
        photo |= dict.fromkeys(self._none_keys, found.is_none)
        if self._out is None:
            with _named(gettempdir()):
                self._waiting.write(json_text(photo) + "\n")
            return
        values = [file, *(value for pair in found.best for value in pair)]
        values += [str(found.is_none).lower()] if self._tells_none else []
        line = _row(values) if self._is_csv else json_text(photo) + "\n"
        if file not in self._done:
            self._file.write(line)
            self._written += 1
        elif line != self._done[file]:
            raise InputError(
                f"{self._out}: has another answer for {file} than this network gives now; use "
                "another file, or --overwrite"
            )

    @contextmanager
    def told_of_interrupts(self) -> Iterator[None]:
        """Ctrl-C inside of `with` says how to go on with the file."""
        try:
            yield
        except KeyboardInterrupt:
            if self._out is not None:
                console.say(
                    f"{self._out}: has {counted(self._written, 'photo')}; --resume goes on with it"
                )
            raise

    def say_where(self) -> None:
        """Tell the person in front of it where the answers are, if they are in a file."""
        if self._out is not None:
            new = self._written - len(self._done)
            resumed = f", {new:,} of them new" if self._done else ""
            console.say(f"{self._out}: has {counted(self._written, 'answer')}{resumed}")

    def publish(self, figures: Mapping[str, object]) -> None:
        """For --json: print these figures and the photographs, or the file and how many it has."""
        if self._out is None:
            self._waiting.seek(0)
            print_json(figures, rest=("photos", self._waiting))
        else:
            print_json({**figures, "out": str(self._out), "written": self._written})

    def close(self) -> None:
        """Close the files."""
        self._waiting.close()
        if self._out is not None:
            self._file.close()


def _row(values: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


def _whole_lines(path: Path) -> str:
    """The text of a file but for a last line that was cut off."""
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    return text[: text.rfind("\n") + 1]


class _OtherError(ValueError):
    """A file has the answers of another command; the message says what is different."""


def _of_another_command(out: Path, why: str = "") -> InputError:
    return InputError(
        f"{out}: is no file of the same command{why}; use another file, or --overwrite"
    )


def _require_same(what: str, found: Sequence[str], expected: Sequence[str]) -> None:
    more = [name for name in found if name not in expected]
    less = [name for name in expected if name not in found]
    parts = [f"has {listed(more)}"] if more else []
    parts += [f"lacks {listed(less)}"] if less else []
    if parts or [*found] != [*expected]:
        raise _OtherError(f"of the {what} it {' and '.join(parts) or 'has another order'}")


def _first_row(text: str) -> list[str]:
    return next(csv.reader(io.StringIO(text, newline="")), [])


def _csv_lines(text: str) -> Iterator[tuple[str, str]]:
    for row in csv.reader(io.StringIO(text, newline="")):
        yield row[0], _row(row)


def _json_lines(
    text: str, kind: Kind, most: int, others: Sequence[str]
) -> Iterator[tuple[str, str]]:
    for line in text.split("\n")[:-1]:
        photo = json.loads(line)
        file = plain_text(photo["file"])
        _require_same("keys", [*photo], ["file", kind.every, *others])
        if len(photo[kind.every]) != most:
            raise _OtherError(
                f"it has {len(photo[kind.every])} {kind.every} for a photo, not {most}; "
                f"--top {len(photo[kind.every])} is its number"
            )
        yield file, line + "\n"


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Errors inside `with` say this name."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, name) from error


class _LineFile:
    """A text file that is written through, whose errors say its name."""

    def __init__(self, path: Path, mode: str) -> None:
        self._name = str(path)
        self._file = path.open(mode, encoding="utf-8", errors="surrogateescape", newline="")

    def write(self, text: str) -> None:
        with _named(self._name):
            self._file.write(text)
            self._file.flush()

    def close(self) -> None:
        with _named(self._name):
            self._file.close()
