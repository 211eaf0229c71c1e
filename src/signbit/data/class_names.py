"""Names of classes: one form of each."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from signbit.printable import printable

__all__ = ["class_name", "nearly"]


def class_name(text: str) -> str:
    """`text` as the name of a class, for which files and terminals have a form.

    Unicode's form NFC, so that a letter with its accent is the same on every system. What cannot be
    seen is written as `signbit.printable` does, and so is a byte that is no UTF-8, as in a folder's
    Latin-1 name out of an old archive: in four characters, such as \\xe9.
    """
    return unicodedata.normalize("NFC", printable(text))


def nearly(name: str, names: Sequence[str]) -> str | None:
    """The one of `names` that differs from `name` in case, or blanks around it, only."""
    alike = (each for each in names if _plain(each) == _plain(name))
    return next(alike, None)


def _plain(name: str) -> str:
    return name.strip().casefold()
