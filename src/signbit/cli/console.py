"""What a command says: figures on stdout, as tables or as one JSON object; all else on stderr."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table

from signbit.cli.as_json import is_first_process, print_json

__all__ = [
    "Titled",
    "compact",
    "figures_only",
    "figures_table",
    "is_first_process",
    "percent",
    "publish",
    "say",
    "table",
]

FILE_WIDTH = 200  # columns where stdout is no terminal, so that no table is cropped


class Titled(NamedTuple):
    """A table and the line above it, which is as long as it needs to be."""

    title: str
    table: Table


def say(text: str) -> None:
    """Tell the person in front of it something that is no figure, on stderr."""
    if is_first_process():
        print(text, file=sys.stderr, flush=True)


def table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    words: Sequence[int] = (0,),
) -> Titled:
    """A table; the columns whose index is in `words` hold text, the others figures."""
    result = Table(box=box.SIMPLE_HEAD)
    for index, column in enumerate(columns):
        text = index in words
        result.add_column(
            column, justify="left" if text else "right", overflow="fold", no_wrap=not text
        )
    for row in rows:
        result.add_row(*(_cell(value) for value in row))
    return Titled(title, result)


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
    tables: Iterable[Titled],
    *,
    as_json: bool,
    aside: bool = False,
) -> None:
    """Print a command's result: the tables, or with `--json` the figures as one object.

    Where several processes do the same work (torchrun, accelerate), the first one alone prints.
    aside: on stderr, as stdout carries a file.
    """
    stream = sys.stderr if aside else sys.stdout
    if as_json:
        print_json(figures, stream)
    if as_json or not is_first_process():
        return
    console = Console(file=stream, width=None if stream.isatty() else FILE_WIDTH)
    for each in tables:
        console.print(each.title, style="bold", markup=False, highlight=False, soft_wrap=True)
        console.print(each.table)


@contextlib.contextmanager
def figures_only() -> Iterator[None]:
    """Send what libraries print meanwhile to stderr, so that stdout carries figures alone."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


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
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"
