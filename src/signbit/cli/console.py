"""What a command says: figures on stdout, as tables or as one JSON object; all else on stderr."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Table

__all__ = ["figures_only", "percent", "publish", "say", "size", "table"]

FILE_WIDTH = 200  # columns where stdout is no terminal, so that no table is cropped


def say(text: str) -> None:
    """Tell the person in front of it something that is no figure, on stderr."""
    print(text, file=sys.stderr, flush=True)


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, left: int = 1
) -> Table:
    """A table whose first `left` columns hold words (left-aligned), the others figures."""
    result = Table(title=title, title_justify="left")
    for index, column in enumerate(columns):
        words = index < left
        result.add_column(
            column, justify="left" if words else "right", overflow="fold", no_wrap=not words
        )
    for row in rows:
        result.add_row(*(_cell(value) for value in row))
    return result


def publish(figures: Mapping[str, object], tables: Iterable[Table], *, as_json: bool) -> None:
    """Print a command's result: the tables, or with `--json` the figures as one object."""
    if as_json:
        print(json.dumps(figures, allow_nan=False, ensure_ascii=False))
        return
    console = Console(width=None if sys.stdout.isatty() else FILE_WIDTH)
    for each in tables:
        console.print(each)


@contextlib.contextmanager
def figures_only() -> Iterator[None]:
    """Send what libraries print meanwhile to stderr, so that stdout carries figures alone."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


def percent(fraction: float) -> str:
    """0.9731 as 97.31 %."""
    return f"{100 * fraction:.2f} %"


def size(count: int) -> str:
    """Bytes for people, in powers of 1,000."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} B"


def _cell(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "" if value is None else str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"
