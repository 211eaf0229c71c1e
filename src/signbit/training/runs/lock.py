"""One training per folder: an advisory lock that ends with its process, however that ends."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from signbit.errors import CheckpointError

__all__ = ["locked"]

_NAME = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder`, made if it is absent, and remove what killed writers left in it.

    Raises CheckpointError where another process holds it. The empty file `.lock` stays behind;
    only the kernel's lock on it counts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / _NAME, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CheckpointError(
                f"{folder}: another process is training into this folder; wait for it, or choose "
                "another folder"
            ) from error
        for leftover in folder.glob(".*.new"):
            leftover.unlink()
        for leftover in (folder / "checkpoints").glob(".epoch-*.new"):
            shutil.rmtree(leftover)
        yield
    finally:
        os.close(descriptor)
