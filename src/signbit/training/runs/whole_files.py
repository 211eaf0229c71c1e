"""The text files of a run, whole or absent, and what is said where one cannot be written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from signbit.errors import CheckpointError
from signbit.files import write_file

__all__ = ["read_json", "write_json", "write_text", "writing"]


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an OSError into a CheckpointError that says how to go on.

    It names the file that could not be written where that lies in the folder `path`, else `path`.
    """
    try:
        yield
    except OSError as error:
        file = error.filename
        if not (isinstance(file, str) and Path(file).is_relative_to(path)):
            file = path
        raise CheckpointError(
            f"{file}: cannot be written ({error.strerror or error}); make room on its disk, or "
            "whatever it lacks, and the same command goes on from the last finished epoch"
        ) from error


def write_text(path: Path, text: str) -> None:
    """`write_file` of UTF-8 text.

    A byte that was no UTF-8 in a file's name is a surrogate in Python. It is written as \\udcNN,
    which JSON and YAML read back as what it was.
    """
    write_file(path, text.encode("utf-8", "backslashreplace"))


def write_json(path: Path, values: Any) -> None:
    """`write_file` of indented JSON."""
    write_text(path, json.dumps(values, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """The values of a JSON file. Raises OSError or ValueError."""
    return json.loads(path.read_text("utf-8"))
