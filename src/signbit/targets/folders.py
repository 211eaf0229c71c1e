"""Writes a folder of files that is whole or absent."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from signbit.errors import InputError
from signbit.files import sync_folder, write_file

__all__ = ["require_free", "write_folder"]


def require_free(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder that `write_folder` could not write, before there is anything to write.

    Raises InputError where it is there and not empty, and nothing may be replaced in it; OSError,
    which names the path, where it is a file or may not be written.
    """
    if folder.is_dir():
        if not overwrite and any(folder.iterdir()):
            raise InputError(f"{folder}: is there already; --overwrite replaces the files in it")
        _require_access(folder, folder)
        return
    if os.path.lexists(folder):
        raise NotADirectoryError(errno.ENOTDIR, "is no folder; name a folder", str(folder))
    there = next(parent for parent in folder.absolute().parents if parent.exists())
    _require_access(there, folder)


def write_folder(folder: Path, files: Mapping[str, bytes], *, overwrite: bool) -> None:
    """Write files, by their paths in the folder, which are relative and have / between names.

    A folder that is not there, or empty, appears whole: it is written beside its place and renamed.
    In one that is there files are replaced once all are written; others in it stay. Raises as
    `require_free` does, and OSError where the disk is full; then nothing is new.
    """
    require_free(folder, overwrite=overwrite)
    target = Path(os.path.realpath(folder))
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        _fill(beside, files)
        if target.is_dir() and any(target.iterdir()):
            _move(beside, target, files)
        else:
            beside.replace(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    sync_folder(target.parent)


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        path = folder.joinpath(*name.split("/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, data)


def _move(written: Path, target: Path, names: Iterable[str]) -> None:
    for name in names:
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (written / name).replace(path)


def _require_access(there: Path, folder: Path) -> None:
    if not there.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, f"{there} is no folder", str(folder))
    if not os.access(there, os.W_OK | os.X_OK):
        what = f"the folder {there} may not be written to"
        raise PermissionError(errno.EACCES, what, str(folder))
