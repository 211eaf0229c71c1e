"""Files that are whole or absent: written beside their target, flushed to disk, then renamed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from signbit.errors import CheckpointError

__all__ = ["read_json", "sync_folder", "write_bytes", "write_json", "write_text", "writing"]


def write_bytes(path: Path, data: bytes) -> None:
    """Replace `path` by `data`; a kill at any time leaves the old file or the new one.

    An OSError, from a full disk for one, leaves the old file and nothing else.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with open(beside, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an OSError into a CheckpointError that names `path` and says how to go on."""
    try:
        yield
    except OSError as error:
        raise CheckpointError(
            f"{path}: cannot be written ({error.strerror or error}); make room on its disk, or "
            "whatever it lacks, and the same command goes on from the last finished epoch"
        ) from error


def write_text(path: Path, text: str) -> None:
    """`write_bytes` of UTF-8 text."""
    write_bytes(path, text.encode())


def write_json(path: Path, values: Any) -> None:
    """`write_bytes` of indented JSON."""
    write_text(path, json.dumps(values, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """The values of a JSON file. Raises OSError or ValueError."""
    return json.loads(path.read_text("utf-8"))


def sync_folder(folder: Path) -> None:
    """Make the renames inside `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
