"""Who hears what takes long, was left out or went wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable

from signbit.printable import printable

__all__ = ["Say", "log", "once"]

Say = Callable[[str], None]
"""Told one line."""


def log(text: str) -> None:
    """What is told where nobody else listens: a warning of the logger "signbit.data"."""
    logging.getLogger("signbit.data").warning("%s", printable(text))


def once(say: Say) -> Say:
    """`say`, but for lines that it has heard from here already."""
    heard: set[str] = set()

    def tell(text: str) -> None:
        if text not in heard:
            heard.add(text)
            say(text)

    return tell
