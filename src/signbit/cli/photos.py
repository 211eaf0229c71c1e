"""The photographs that a command line names: files, folders with all that is in them, patterns."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from signbit.cli import console
from signbit.data.sources.image_files import find_images, is_file, told
from signbit.data.sources.path_list import Names
from signbit.errors import DataError

__all__ = ["photographs"]


def photographs(arguments: Sequence[str]) -> Names:
    """The paths of the photographs that the arguments name, in their order.

    A folder is the images at any depth of it, sorted; what else is there is counted on stderr. What
    does not exist is a pattern (*, ?, [abc], and ** for folders at any depth), and is the files and
    folders that match it, sorted. Raises DataError where an argument names no image.
    """
    if len(arguments) == 1:
        return _named_by(arguments[0])
    return Names(path for argument in arguments for path in _named_by(argument))


def _named_by(argument: str) -> Names:
    if os.path.isdir(argument):
        return _in_folder(argument)
    if os.path.lexists(argument):
        return Names([argument])
    if not glob.has_magic(argument):
        raise DataError(f"{argument}: no such file or folder")
    # `**` matches folders and what is in them.
    found: dict[str, None] = {}
    for match in sorted(glob.glob(argument, recursive=True)):
        if os.path.isdir(match):
            found.update(dict.fromkeys(map(str, find_images(Path(match)))))
        elif is_file(Path(match)):
            found[match] = None
    if not found:
        raise DataError(f"{argument}: no image matches this pattern")
    return Names(found)


def _in_folder(folder: str) -> Names:
    others: list[Path] = []
    images = find_images(Path(folder), others)
    if not images:
        raise DataError(f"{folder}: no images in this folder; add some, or name another folder")
    if others:
        console.say(f"{folder}: left out: {told(others)}")
    return images.names
