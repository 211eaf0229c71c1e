"""What tells whether a source's images are still the ones that a cache was made of."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable

__all__ = ["combined", "of_files"]


def of_files(paths: Iterable[str | os.PathLike[str]], *words: str) -> str:
    """SHA-256 of where the files are, their inodes, sizes and times, in order, and of `words`.

    A file that is written again changes it, whatever its content, and so does another in its place:
    unpacking and copying set the time of modification back, and nothing does that to the time of
    change. One that cannot be found counts as such, and is for its reader to name.
    """
    digest = hashlib.sha256(json.dumps(words).encode())
    for path in paths:
        try:
            status = os.stat(path)
            times = f"{status.st_mtime_ns}\0{status.st_ctime_ns}"
            found = f"{status.st_ino}\0{status.st_size}\0{times}"
        except OSError:
            found = "not found"
        name = path if os.path.isabs(path) else os.path.join(os.getcwd(), path)
        digest.update(os.fsencode(name) + f"\0{found}\n".encode())
    return digest.hexdigest()


def combined(*parts: object) -> str:
    """SHA-256 of JSON values, such as other fingerprints."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
