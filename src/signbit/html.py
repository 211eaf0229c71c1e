"""Tables as HTML, for reports and notebooks.

All text is escaped, as it may come from a stranger's file: neither tags nor characters that change
the direction of writing reach the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from signbit.printable import printable

__all__ = ["shown", "table"]

_MOST = 200
"""Rows of a table that a notebook shows."""


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 0) -> str:
    """A table; without heads the first column is one. The last `numbers` columns are figures."""
    lines = []
    for row in rows:
        words = len(row) - numbers
        cells = [f"<td>{_text(cell)}</td>" for cell in row[:words]]
        cells += [f'<td class="number">{_text(cell)}</td>' for cell in row[words:]]
        if not heads:
            cells[0] = f'<th scope="row">{_text(row[0])}</th>'
        lines.append(f"<tr>{''.join(cells)}</tr>")
    head = "".join(f'<th scope="col">{_text(each)}</th>' for each in heads)
    top = f"<thead><tr>{head}</tr></thead>" if heads else ""
    return f"<table>{top}<tbody>{''.join(lines)}</tbody></table>\n"


def shown(
    title: str,
    facts: Iterable[tuple[str, str]] = (),
    heads: Sequence[str] = (),
    rows: Sequence[Sequence[str]] = (),
    *,
    numbers: int = 0,
) -> str:
    """An object in a notebook: what it is, facts by name, and a table of at most 200 rows."""
    parts = [f"<p><strong>{_text(title)}</strong></p>\n"]
    if facts := [*facts]:
        parts.append(table([], facts))
    if rows:
        parts.append(table(heads, rows[:_MOST], numbers=numbers))
    if len(rows) > _MOST:
        parts.append(f"<p>and {len(rows) - _MOST:,} more</p>\n")
    return "".join(parts)


def _text(words: str) -> str:
    return escape(printable(words))
