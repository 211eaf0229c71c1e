"""Words for messages: a number with its noun."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, one: str, many: str = "") -> str:
    """The number and its noun: "1 image", "2 images"; `many` is the plural where it adds no s."""
    return f"{number} {one if number == 1 else many or one + 's'}"
