"""Words for messages: a number with its noun, a list that does not hide the rest."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["counted", "listed"]

# More names than this hide what a message says.
_MOST = 10


def counted(number: int, one: str, many: str = "") -> str:
    """The number and its noun: "1 image", "2 images"; `many` is the plural where it adds no s."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(names: Sequence[str]) -> str:
    """The first ten of `names`, and how many there are if that is not all."""
    more = f", … ({len(names)})" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more
