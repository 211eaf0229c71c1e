"""Names of classes: one form of each, and how messages list them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

__all__ = ["class_name", "listed", "nearly"]

# More names than this hide what a message says.
_MOST = 10

_SURROGATE = re.compile("[\ud800-\udfff]")
_OF_BYTES = 0xDC00
"""Python has bytes of file names that are no UTF-8 as surrogates from here on."""


def class_name(text: str) -> str:
    """`text` as the name of a class, for which files and terminals have a form.

    Unicode's form NFC, so that a letter with its accent is the same on every system. A byte that is
    no UTF-8, as in a folder's Latin-1 name out of an old archive, is written in four characters,
    such as \\xe9.
    """

    def escaped(match: re.Match[str]) -> str:
        code = ord(match[0])
        byte = code - _OF_BYTES
        return f"\\x{byte:02x}" if 0 <= byte < 256 else f"\\u{code:04x}"

    return unicodedata.normalize("NFC", _SURROGATE.sub(escaped, text))


def nearly(name: str, names: Sequence[str]) -> str | None:
    """The one of `names` that differs from `name` in case, or blanks around it, only."""
    alike = (each for each in names if _plain(each) == _plain(name))
    return next(alike, None)


def _plain(name: str) -> str:
    return name.strip().casefold()


def listed(names: Sequence[str]) -> str:
    """The first ten of `names`, and how many there are if that is not all."""
    more = f", … ({len(names)})" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more
