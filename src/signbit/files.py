"""Files that are whole or absent: written beside their target, flushed to disk, then renamed.

What no rename may replace is written as it is: a device, a FIFO, an open descriptor as /dev/stdout.
Behind a symbolic link the file that it leads to is replaced, and the link stays.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from signbit.errors import InputError

__all__ = [
    "checked_path",
    "descriptor_of",
    "held_open",
    "require_writable",
    "sync_folder",
    "write_file",
]

_PATIENCE = 10.0
"""Seconds that a FIFO's reader may take to come."""

Target = str | os.PathLike[str]


def write_file(path: Target, data: bytes) -> None:
    """Write bytes to a file beside the target, then rename, so that the target is never half.

    The target keeps its permissions. A device, a FIFO and a path such as /dev/stdout are written
    to instead; who reads a FIFO is waited for, ten seconds at most. Raises OSError, which names the
    target, where it is a folder or read-only, or its folder is missing, full or not writable; the
    target is then untouched, and nothing beside it.
    """
    with _named(path):
        number = descriptor_of(path)
        if number is not None:
            _write_to(os.dup(number), data)
        elif (mode := _mode(path)) is None or stat.S_ISREG(mode):
            _replace(Path(os.path.realpath(path)), data, mode)
        else:
            _write_to(_open_special(path), data)


def checked_path(name: str, given: object) -> str:
    """A path as text. Raises InputError, which begins with `name`, for anything that is none."""
    if not isinstance(given, str | bytes | os.PathLike):
        raise InputError(f"{name}: must be a path, is {type(given).__name__}")
    path = os.fsdecode(given)
    if not path:
        raise InputError(f"{name}: is empty; name a file or a folder")
    if "\0" in path:
        raise InputError(f"{name}: a path cannot contain a null character, as {path!r} does")
    return path


def require_writable(path: Target, least: int = 1) -> None:
    """Refuse a target that `write_file` could not write, before there is anything to write.

    What is there stays as it is: beside a file a hidden one is made and removed again, and into a
    device or an open descriptor nothing is written, which a full one refuses, too. Of a FIFO
    `held_open` finds out. least: bytes that will be written, or more; the disk must have room for
    so many. Raises OSError, which names the target.
    """
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, "is a folder; name a file to write", str(path))
    number = descriptor_of(path)
    if number is not None:
        with _named(path):
            os.write(number, b"")
        return
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        what = f"there is no folder {folder}; make it first"
        raise FileNotFoundError(errno.ENOENT, what, str(path))
    mode = _mode(path)
    if mode is None or stat.S_ISREG(mode):
        _require_room(path, folder, least)
    elif not stat.S_ISFIFO(mode):
        with _named(path), open(_open_special(path), "wb") as special:
            os.write(special.fileno(), b"")


def _require_room(path: Target, folder: str, least: int) -> None:
    """Refuse a folder that takes no new file of so many bytes; `path` is named."""
    if not os.access(folder, os.W_OK | os.X_OK):
        what = f"the folder {folder} may not be written to"
        raise PermissionError(errno.EACCES, what, str(path))
    disk = os.statvfs(folder)
    free = disk.f_frsize * (disk.f_bavail if os.geteuid() else disk.f_bfree)
    if free < least and disk.f_blocks:  # some file systems do not count
        what = f"needs {least:,} bytes or more, and its disk has {free:,} left; make room"
        raise OSError(errno.ENOSPC, what, str(path))
    with _named(path), _beside(Path(folder)) as trial, trial.open("xb") as file:
        _allocate(file.fileno(), max(least, 1))


def _allocate(descriptor: int, size: int) -> None:
    """Ask quotas and limits, too, where the system and its file system can tell."""
    if not hasattr(os, "posix_fallocate"):  # macOS has none
        return
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise


@contextmanager
def held_open(path: Target, least: int = 1) -> Iterator[None]:
    """Require a target that can be written (`require_writable`), and let it stay so inside `with`.

    Who reads a FIFO is waited for, ten seconds at most, and then waits for what is written. Raises
    OSError, which names the target.
    """
    require_writable(path, least)
    mode = _mode(path)
    descriptor = None
    if descriptor_of(path) is None and mode is not None and stat.S_ISFIFO(mode):
        with _named(path):
            descriptor = _open_special(path)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def descriptor_of(path: Target) -> int | None:
    """The number of the open descriptor that a path names, 1 for /dev/stdout; None for others.

    Raises OSError where the path is a circle of links.
    """
    own = os.path.realpath("/proc/self/fd")
    for _ in range(40):  # as many links as Linux follows
        folder, name = os.path.split(os.fspath(path))
        folder = os.path.realpath(folder)
        path = os.path.join(folder, name)
        if folder == own and name.isdecimal():
            return int(name)
        if not os.path.islink(path):
            return None
        path = os.path.join(folder, os.readlink(path))
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


def sync_folder(folder: Path) -> None:
    """Make the renames inside `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _named(path: Target) -> Iterator[None]:
    """Errors inside `with` name the target, and say what a FIFO lacks."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        unread = error.errno == errno.ENXIO
        why = "nothing reads it; start its reader first" if unread else error.strerror
        raise OSError(error.errno, why, str(path)) from error


def _mode(path: Target) -> int | None:
    """The mode of what is there, behind links; None where nothing is.

    Raises OSError for a folder, and for what may not be written.
    """
    try:
        mode = os.stat(os.fspath(path)).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    return mode


def _replace(target: Path, data: bytes, mode: int | None) -> None:
    with _beside(target.parent) as beside:
        with beside.open("xb") as file:
            if mode is not None:
                os.fchmod(file.fileno(), stat.S_IMODE(mode))
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    sync_folder(target.parent)


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """The path of a new hidden file, of which nothing is left behind `with`."""
    path = folder / f".{secrets.token_hex(8)}.tmp"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _open_special(path: Target) -> int:
    """A descriptor of a device or a FIFO, which may have to wait for who reads it."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO or time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            os.set_blocking(descriptor, True)
            return descriptor


def _write_to(descriptor: int, data: bytes) -> None:
    with open(descriptor, "wb") as file:
        file.write(data)
