"""Names of layers in fewer columns: the middle goes, and no two names become the same."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

__all__ = ["shortened"]

_ELLIPSIS = "…"


def shortened(names: Sequence[str], width: int) -> list[str]:
    """Each name in `width` columns at most, its middle replaced by an ellipsis.

    All are cut at the same places, of which those are taken, nearest to the middle, that leave
    different names different. Where there are none, long names stay as they are.
    """
    room = width - cell_len(_ELLIPSIS)
    different = len(set(names))
    for tail in sorted(range(1, room), key=lambda tail: abs(tail - room / 2)):
        short = [_cut(name, width, room - tail, tail) for name in names]
        if len(set(short)) == different:
            return short
    return list(names)


def _cut(name: str, width: int, head: int, tail: int) -> str:
    if cell_len(name) <= width:
        return name
    return _start(name, head) + _ELLIPSIS + _start(name[::-1], tail)[::-1]


def _start(text: str, width: int) -> str:
    """As much of the start of a text as `width` columns hold."""
    end = min(len(text), width)
    while cell_len(text[:end]) > width:
        end -= 1
    return text[:end]
