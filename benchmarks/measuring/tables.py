"""Markdown tables, as they stand in docs/results.md."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["figure", "table"]


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns padded to one width; numbers keep the digits that `figure` gives them."""
    cells = [[str(cell) for cell in row] for row in [head, *rows]]
    if any(len(row) != len(head) for row in cells):
        raise ValueError("every row of a table must be as long as its head")
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def figure(value: float | None) -> str:
    """Three significant digits, whole from 100 on; a dash where there is no value."""
    if value is None:
        return "–"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3g}"
