"""C as text: nested blocks, arrays, literals, and what names and strings of a file become in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain, count
from string import ascii_letters, digits
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["array", "block", "comment", "identifier", "literal", "string"]

Array = npt.NDArray[Any]

_COLUMNS = 100

_WORDS = """
auto break case char const continue default do double else enum extern float for goto if inline int
long register restrict return short signed sizeof static struct switch typedef union unsigned void
volatile while asm bool class delete export false friend mutable namespace new operator private
protected public template this throw true try typename using virtual word real whole arena memory
memcpy memset memcmp main own linux unix i386 arm mips
"""
"""Keywords of C and C++, and names that the sources use themselves."""


_PLAIN = frozenset((ascii_letters + digits + " !#$%&'()*+,-./:;<=>@[]^_`{|}~").encode())


def block(head: str, *body: Iterable[str] | str) -> list[str]:
    """The lines of `head { body }`; a part of the body is a line or several."""
    inner: list[str] = []
    for part in body:
        inner += [part] if isinstance(part, str) else part
    return [f"{head} {{", *(f"  {line}" if line[:1] != "#" else line for line in inner), "}"]


def literal(value: Any) -> str:
    """A number of NumPy as a C expression of its type; floats keep every bit."""
    if isinstance(value, np.floating):
        mantissa, _, exponent = float(value).hex().partition("p")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{mantissa}p{exponent}f"
    if isinstance(value, np.uint32):
        return f"0x{int(value):08x}u"
    if int(value) == -(1 << 31):
        return "(-2147483647 - 1)"
    return str(int(value))


def array(c_type: str, name: str, values: Array) -> list[str]:
    """A constant array that holds these values in their order."""
    lines = [f"static const {c_type} {name}[{values.size}] = {{"]
    line = ""
    for value in values.ravel():
        item = literal(value)
        if len(line) + len(item) + 4 > _COLUMNS:
            lines.append(f"  {line}")
            line = ""
        line += f"{item}," if not line else f" {item},"
    return [*lines, f"  {line}", "};"]


def string(text: str) -> str:
    """A string literal of the text's UTF-8, in which nothing but ASCII letters stands as it is."""
    octets = text.encode("utf-8", "surrogatepass")
    shown = (chr(octet) if octet in _PLAIN else f"\\{octet:03o}" for octet in octets)
    return '"' + "".join(shown) + '"'


def comment(text: str) -> str:
    """The text as a comment may hold it: printable ASCII, and neither the begin nor the end of a
    comment, nor a trigraph, nor a line that goes on in the next."""
    shown = "".join(each if " " <= each <= "~" else "?" for each in text).replace("\\", "/")
    return re.sub(r"\*(?=/)|/(?=\*)|\?(?=\?)", r"\g<0> ", shown)


def identifier(text: str, taken: Iterable[str]) -> str:
    """A C identifier in lower case, like the text, and neither a keyword nor taken."""
    base = re.sub(r"[^a-z0-9]+", "_", text.lower())[:40].strip("_")
    if re.fullmatch(r"(\d.*)?|t\d+|node_\d+|\w+_(t|once)|unpack_signs", base):
        base = f"value_{base}".rstrip("_")
    used = {*taken, *_WORDS.split()}
    names = chain([base], (f"{base}_{number}" for number in count(2)))
    return next(name for name in names if name not in used)
