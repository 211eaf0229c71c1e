"""Text from outside (names of files, classes and nodes, notes, messages) as a terminal may show it.

A file may come from a stranger: what a terminal would act on, instead of showing it, is escaped.
"""

from __future__ import annotations

import unicodedata

__all__ = ["encodable", "printable"]

_JOINERS = "\u200c\u200d"
"""Zero-width characters that spell words of Persian and Hindi, and emoji."""


_PLAIN = str.maketrans(
    {"×": "x", "…": "~", "→": "->", "─": "-", "−": "-", "–": "-", "—": "-", "±": "+-", "·": "*"}
    | {"≤": "<=", "≥": ">=", "÷": "/", "‖": "||", "²": "^2"}
)


def printable(text: str) -> str:
    r"""The text in one line, with what cannot be seen written as Python writes it.

    That is every control character (ESC as `\x1b`, a new line as `\n`), whatever changes the
    direction of writing, and other invisible characters; and of names that are not UTF-8 each odd
    byte (`\xe9`).
    """
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(character: str) -> str:
    if character.isprintable() or character in _JOINERS or unicodedata.category(character) == "Zs":
        return character
    if "\udc80" <= character <= "\udcff":  # how Python keeps a byte that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def encodable(text: str, encoding: str | None) -> str:
    """The text with what an encoding lacks (None: ASCII) as ASCII: signs alike, others escaped."""
    encoding = encoding or "ascii"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        plain = text.translate(_PLAIN)
        return plain.encode(encoding, "backslashreplace").decode(encoding)
    return text
