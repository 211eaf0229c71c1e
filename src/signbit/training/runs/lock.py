"""One training per folder: an advisory lock that ends with its process, however that ends."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from signbit.errors import CheckpointError
from signbit.printable import printable

__all__ = ["locked"]

_NAME = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder`, made if it is absent, and remove what killed writers left in it.

    Raises CheckpointError where another process holds it, or its path is not UTF-8, in which
    TensorBoard's files have no place. The empty file `.lock` stays behind; only the kernel's lock
    on it counts.
    """
    try:
        str(folder).encode()
    except UnicodeEncodeError as error:
        raise CheckpointError(
            f"{printable(str(folder))}: a run cannot be written into a folder whose name is not "
            "UTF-8; choose another with --out"
        ) from error
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
        for pattern in (".*.new", f".{'[0-9a-f]' * 16}.tmp"):
            for leftover in folder.glob(pattern):
                leftover.unlink()
        for leftover in (folder / "checkpoints").glob(".epoch-*.new"):
            shutil.rmtree(leftover)
        yield
    finally:
        os.close(descriptor)
