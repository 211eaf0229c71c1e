"""Image files in a folder and in the folders inside it, and what lies beside them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from pathlib import Path

from signbit.data.pixels.formats import image_endings
from signbit.data.sources.path_list import Names, Paths, SortedNames
from signbit.errors import DataError

__all__ = [
    "Listing",
    "find_images",
    "image_files",
    "is_file",
    "is_hidden",
    "is_image",
    "listing",
    "told",
    "walk",
]

# What systems put beside photos, such as macOS's `._photo.jpg`, and the thumbnails of a NAS.
_HIDDEN = {"__MACOSX", "@eaDir"}
# Photographs of phones that Pillow does not read, unless a plugin of its makes it.
_OTHER_PHOTOS = {".heic", ".heif"}
# More kinds of files than this are summed up, and longer endings are none.
_KINDS, _LONGEST = 4, 8


@dataclass(frozen=True)
class Listing:
    """What is in one folder, sorted, without what is hidden. A link to a folder is a folder.

    A FIFO, a socket or a device is no image, whatever its name: reading it may never end.
    """

    images: Paths
    others: list[Path]
    folders: list[Path]


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is not the user's data."""
    return name.startswith(".") or name in _HIDDEN


def is_image(path: Path | str) -> bool:
    """Whether the name ends like an image's."""
    return os.path.splitext(path)[1].lower() in image_endings()


def is_file(path: Path | str) -> bool:
    """Whether `path` is a file, or a link that leads nowhere: reading it says why."""
    return os.path.isfile(path) or not os.path.exists(path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    # Of a link that leads in a circle, entry.is_dir() raises.
    return os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()


def listing(folder: Path) -> Listing:
    """What is in `folder`. Raises DataError where that cannot be listed."""
    images = SortedNames()
    others: list[Path] = []
    folders: list[Path] = []
    before = str(folder / "_")[:-1]
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if is_hidden(entry.name):
                    continue
                # Not one `Path` for each image, whose name Python would keep in a table.
                path = before + entry.name
                if _is_folder(entry):
                    folders.append(Path(path))
                elif is_image(path) and (entry.is_file(follow_symlinks=False) or is_file(path)):
                    images.append(path)
                else:
                    others.append(Path(path))
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be listed ({error.strerror}); let this user read it, or remove it"
        ) from error
    return Listing(Paths(images.all()), sorted(others), sorted(folders))


def walk(folder: Path) -> Iterator[Listing]:
    """What is in `folder`, then in each folder inside it, at any depth.

    Links to folders are not followed, as they may lead in circles.
    """
    here = listing(folder)
    yield here
    for inner in here.folders:
        if not inner.is_symlink():
            yield from walk(inner)


def find_images(folder: Path, others: list[Path] | None = None) -> Paths:
    """Image files at any depth of `folder`, sorted; what is none is appended to `others`."""
    others = [] if others is None else others
    here = listing(folder)
    if here.folders:
        return Paths(Names(_in_order(here, others)))
    others += here.others
    return here.images


def _in_order(here: Listing, others: list[Path]) -> Iterator[str]:
    others += here.others
    images = ((name, False) for name in here.images.names)
    folders = ((str(path), True) for path in here.folders if not path.is_symlink())
    for path, is_folder in merge(images, folders):
        if is_folder:
            yield from _in_order(listing(Path(path)), others)
        else:
            yield path


def image_files(folder: Path) -> Paths:
    """What `find_images` finds; raises DataError where that is nothing."""
    found = find_images(folder)
    if not found:
        raise DataError(
            f"{folder}: no images in this folder; it needs files that end in .jpg, .png, .webp, "
            ".tif or what else Pillow reads; add some, or name another folder"
        )
    return found


def told(others: Iterable[Path]) -> str:
    """How many files there are of each kind, such as "12 .pdf, 1 .txt", and what would help."""
    kinds = Counter(_kind(path) for path in others)
    most = [f"{count} {kind}{_cure(kind, count)}" for kind, count in kinds.most_common(_KINDS)]
    rest = kinds.total() - sum(count for _, count in kinds.most_common(_KINDS))
    return ", ".join([*most, f"{rest} more"] if rest else most)


def _cure(kind: str, count: int) -> str:
    if kind not in _OTHER_PHOTOS:
        return ""
    are, them = ("is", "it") if count == 1 else ("are", "them")
    return f" (which {are} not read: save {them} as JPEG)"


def _kind(path: Path) -> str:
    if not is_file(path):
        return "pipes or devices"
    ending = path.suffix.lower()
    short = ending[1:].isalnum() and len(ending) <= _LONGEST
    return ending if short else "without an ending"
