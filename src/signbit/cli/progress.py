"""A bar on stderr that shows how far a long command has come, where a person can see it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from signbit.cli.levels import Level, level

__all__ = ["progress"]


@contextlib.contextmanager
def progress(what: str, total: int, *, lines: bool = False) -> Iterator[Callable[[int], None]]:
    """A function to be told how many of `total` are done; the bar vanishes at the end.

    There is none with --quiet, nor where stderr is no terminal. With `lines` the command prints a
    line for each one meanwhile, which is as good where stdout is a terminal.
    """
    shown = sys.stderr.isatty() and level() is not Level.QUIET
    if not shown or (lines and sys.stdout.isatty()):
        yield lambda done: None
        return
    bar = Progress(
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
    )
    with bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)
