"""How tables and paragraphs fill a terminal of any width: nothing is left out or cut off.

A row takes one line where the terminal is wide enough. Where it is not, text wraps at words, and
the columns that do not fit go to a second line of every row, indented, or to further ones. The
header stands in as many lines, so that each title is above its figures.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from signbit.cli.tables.short_names import shortened

__all__ = ["Titled", "lay_out", "wrapped"]

NARROWEST = 20  # columns; in a narrower terminal lines are as long as in one of these
MARGIN, INDENT, GAP = 2, 6, 2
PROSE = 24  # columns that text may be wrapped into; a wider column of figures is text, too

_MEASURE = Console(width=80, force_terminal=False)


class Titled(NamedTuple):
    """A table and the line above it.

    Columns whose index is in `words` hold text, the others figures, at the right. `names` says
    that the first column holds names of layers, which nobody types: long ones may be shortened.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: Collection[int] = (0,)
    names: bool = False


class _Column(NamedTuple):
    place: int
    width: int
    words: bool


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of `width` columns, broken at words; a longer word is cut in pieces."""
    if cell_len(text) <= width:
        return [text]
    lines = Text(text).wrap(_MEASURE, max(width, 1), overflow="fold")
    return [line.plain.rstrip() for line in lines] or [""]


def lay_out(table: Titled, width: int) -> tuple[list[str], list[str]]:
    """The lines of a table's header, and those of its rows.

    No line is longer than `width` columns, or than NARROWEST where that is more.
    """
    width = max(width, NARROWEST)
    if table.names and table.rows:
        names = shortened([row[0] for row in table.rows], max(width // 2, PROSE - MARGIN))
        rows = [[name, *row[1:]] for name, row in zip(names, table.rows, strict=True)]
        table = table._replace(rows=rows)
    lines = _placed(table, width)
    header = _row(table.columns, lines)
    body = [line for row in table.rows for line in _row(row, lines)]
    return header, body


def _placed(table: Titled, width: int) -> list[list[_Column]]:
    """The columns of each line of a row, from left to right."""
    lines: list[list[_Column]] = [[]]
    room = width - MARGIN
    for index, title in enumerate(table.columns):
        cells = [title, *(row[index] for row in table.rows)]
        natural = max(map(cell_len, cells))
        words = index in table.words or natural > PROSE
        needed = min(natural, PROSE) if words and index else natural
        if lines[-1] and needed > room:
            lines.append([])
            room = width - INDENT
        column = _Column(index, min(natural, room), words)
        lines[-1].append(column)
        room -= column.width + GAP
    return lines


def _row(cells: Sequence[str], lines: Sequence[Sequence[_Column]]) -> list[str]:
    result = []
    for number, columns in enumerate(lines):
        margin = INDENT if number else MARGIN
        pieces = [wrapped(cells[column.place], column.width) for column in columns]
        for height in range(max(map(len, pieces))):
            parts = []
            for column, piece in zip(columns, pieces, strict=True):
                part = piece[height] if height < len(piece) else ""
                space = " " * (column.width - cell_len(part))
                parts.append(part + space if column.words else space + part)
            line = (" " * margin + (" " * GAP).join(parts)).rstrip()
            if line or not number:
                result.append(line)
    return result
