"""What a command says: figures on stdout, as tables or as one JSON object; all else on stderr.

Names and messages may come from strangers: they are shown as `signbit.printable` writes them, and
never read as markup.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from signbit.cli.as_json import is_first_process, print_json
from signbit.cli.levels import Level, level
from signbit.cli.tables.layout import Titled, lay_out, wrapped
from signbit.extensions import imported
from signbit.printable import encodable, printable

__all__ = [
    "Titled",
    "command",
    "compact",
    "figures_only",
    "figures_table",
    "is_first_process",
    "percent",
    "publish",
    "say",
    "shell",
    "since",
    "table",
]

FILE_WIDTH = 200  # columns where stdout is no terminal
_start: float | None = None  # from when seconds are counted, where lines say them
_problems: TextIO | None = None  # stderr, while nothing else may be said there


def say(text: str, *, problem: bool = False) -> None:
    """Tell the person in front of it something that is no figure, on stderr, in one line.

    problem: it is what --quiet does not silence.
    """
    if not is_first_process() or (level() is Level.QUIET and not problem):
        return
    if _start is not None:
        text = f"{time.monotonic() - _start:7.1f} s  {text}"
    stream = _problems or sys.stderr
    print(encodable(printable(text), stream.encoding), file=stream, flush=True)


@contextlib.contextmanager
def since(start: float) -> Iterator[None]:
    """Say meanwhile how many seconds have passed since `start`, in front of every line."""
    global _start
    _start = start
    try:
        yield
    finally:
        _start = None


def command(*words: str | os.PathLike[str]) -> str:
    """A signbit command that a shell reads as these words, whatever paths have in them.

    It imports the files that this one has imported.
    """
    return shell("signbit", *words, *_imports())


def _imports() -> Iterator[str | os.PathLike[str]]:
    for extension in imported():
        yield "--import"
        yield Path(extension.path)


def shell(*words: str | os.PathLike[str]) -> str:
    """A command that a shell reads as these words; a path is quoted, a str stands as it is."""
    return " ".join(map(_quoted, words))


def table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    words: Sequence[int] = (0,),
    names: bool = False,
) -> Titled:
    """A table; the columns whose index is in `words` hold text, the others figures.

    names: the first column holds names of layers, of which a narrow terminal shows both ends.
    """
    return Titled(title, columns, [[_cell(value) for value in row] for row in rows], words, names)


def figures_table(title: str, figures: Mapping[str, object]) -> Titled:
    """The figures of a `--json` object as they are, but top-1 in percent."""
    rows = [
        [
            name,
            percent(value) if name in ("top1", "knn_top1") and isinstance(value, float) else value,
        ]
        for name, value in figures.items()
    ]
    return table(title, ["figure", "value"], rows)


def publish(
    figures: Mapping[str, object],
    tables: Iterable[Titled | str],
    *,
    as_json: bool,
    aside: bool = False,
) -> None:
    """Print a command's result: tables and sentences, or with `--json` the figures as one object.

    Where several processes do the same work (torchrun, accelerate), the first one alone prints.
    aside: on stderr, as stdout carries a file.
    """
    stream = sys.stderr if aside else sys.stdout
    if as_json:
        print_json(figures, stream)
    if as_json or not is_first_process():
        return
    for each in tables:
        _show(each, stream)


def _show(shown: Titled | str, stream: TextIO) -> None:
    terminal = stream.isatty()
    console = Console(file=stream, width=None if terminal else FILE_WIDTH, highlight=False)

    def seen(text: str) -> str:
        return encodable(printable(text), stream.encoding)

    def lines(texts: Iterable[str], style: str = "") -> None:
        for text in texts:
            # Again encodable, for marks of the layout's own.
            console.print(Text(encodable(text, stream.encoding), style), soft_wrap=True)

    if isinstance(shown, str):
        lines(wrapped(seen(shown), console.width))
        return
    header, body = lay_out(
        Titled(
            shown.title,
            [seen(column) for column in shown.columns],
            [[seen(cell) for cell in row] for row in shown.rows],
            shown.words,
            shown.names and terminal,
        ),
        console.width,
    )
    lines(wrapped(seen(shown.title), console.width), "bold")
    lines(["", *header], "bold")
    longest = max(map(cell_len, [*header, *body]))
    lines([" " + "─" * min(longest, console.width - 1), *body, ""])


@contextlib.contextmanager
def figures_only() -> Iterator[None]:
    """Send what is printed meanwhile to stderr, so that stdout carries figures alone.

    With --quiet what is printed on either goes nowhere, but for problems that are said.
    """
    global _problems
    if level() is not Level.QUIET:
        with contextlib.redirect_stdout(sys.stderr):
            yield
        return
    _problems = sys.stderr
    try:
        with (
            open(os.devnull, "w") as nowhere,
            contextlib.redirect_stdout(nowhere),
            contextlib.redirect_stderr(nowhere),
        ):
            yield
    finally:
        _problems = None


def percent(fraction: float) -> str:
    """0.9731 as 97.31 %."""
    return f"{100 * fraction:.2f} %"


def compact(count: float, unit: str = "") -> str:
    """A count in three digits: 1179648 as 1.18M, 60740 bytes (unit B) as 60.7 kB."""
    for prefix, factor in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= factor:
            scaled = count / factor
            digits = 2 if scaled < 10 else 1 if scaled < 100 else 0
            space = " " if unit else ""
            return f"{scaled:.{digits}f}{space}{prefix}{unit}"
    return f"{count:.0f} {unit}".strip()


def _cell(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "" if value is None else str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3f}" if value == 0 or abs(value) >= 0.01 else f"{value:.3g}"


def _quoted(word: str | os.PathLike[str]) -> str:
    if isinstance(word, str):
        return word
    text = os.fspath(word)
    if text.startswith("-"):
        text = f"./{text}"
    if text.isprintable():
        return shlex.quote(text)
    # As bash, zsh and ksh read what no letter stands for.
    letters = (chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}" for byte in os.fsencode(text))
    return "$'" + "".join(f"\\{each}" if each in "\\'" else each for each in letters) + "'"
