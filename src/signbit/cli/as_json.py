"""What programs read: one JSON object on stdout, as docs/commands.md describes it. NumPy-free."""

from __future__ import annotations

import base64
import json
import math
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TextIO

__all__ = ["is_first_process", "is_wanted", "json_text", "plain_text", "print_json"]


def is_wanted(words: Sequence[str]) -> bool:
    """Whether the command line asks for JSON, be it a command or not."""
    options = words[: words.index("--")] if "--" in words else words
    return "--json" in options


def print_json(
    figures: Mapping[str, object],
    stream: TextIO | None = None,
    *,
    rest: tuple[str, Iterable[str]] | None = None,
) -> None:
    """Print `json_text` of an object, on stdout; the first of several processes alone prints.

    rest: one more key, whose value is a list that is written item by item, each of them a line of
    JSON.
    """
    if not is_first_process():
        return
    stream = stream or sys.stdout
    unicode = (stream.encoding or "").lower().startswith("utf")
    text = json_text(figures, ascii_only=not unicode)
    if rest is not None:
        key, items = rest
        stream.write(f"{text[:-1]}{', ' if figures else ''}{json.dumps(key)}: [")
        for number, item in enumerate(items):
            # A character that is escaped is the same to who reads JSON.
            line = item.rstrip("\n") if unicode else json.dumps(json.loads(item))
            stream.write(f"{', ' if number else ''}{line}")
        text = "]}"
    print(text, file=stream, flush=True)


def json_text(figures: Mapping[str, object], *, ascii_only: bool = False) -> str:
    """One object in one line.

    A number that is not finite becomes null, and text that is no Unicode (a file's name in another
    encoding) the object {"base64": TEXT}. Raises TypeError where a value is no JSON.
    """
    return json.dumps(_plain(figures), allow_nan=False, ensure_ascii=ascii_only)


def plain_text(value: object) -> str:
    """A text that `json_text` has written, read again; TypeError where it is none."""
    if isinstance(value, dict):
        return os.fsdecode(base64.b64decode(value["base64"]))
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def is_first_process() -> bool:
    """Whether this is the process of rank 0, by the variables that launchers set."""
    return os.environ.get("WORLD_SIZE", "1") == "1" or os.environ.get("RANK", "0") == "0"


def _plain(value: object) -> object:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value


def _text(text: str) -> object:
    try:
        text.encode()
    except UnicodeEncodeError:
        return {"base64": base64.b64encode(_bytes(text)).decode()}
    return text


def _bytes(text: str) -> bytes:
    """A file's name as the file system has it; half a surrogate pair has no such bytes."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
