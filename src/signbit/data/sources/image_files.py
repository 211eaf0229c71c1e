"""Image files in a folder and in the folders inside it."""

from __future__ import annotations

from pathlib import Path

from signbit.errors import DataError

__all__ = ["find_images", "image_files", "is_image"]

_SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}


def is_image(path: Path) -> bool:
    """Whether the name is an image's, and is not hidden."""
    # Systems leave hidden files, such as macOS's `._photo.jpg`, beside the photos.
    return path.suffix.lower() in _SUFFIXES and path.name[0] != "."


def find_images(folder: Path) -> list[Path]:
    """Image files at any depth of `folder`, sorted, hidden files and folders passed over.

    Links to folders are not followed, as they may lead in circles.
    """
    return sorted(
        path
        for path in folder.rglob("*")
        if is_image(path)
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not path.is_dir()
    )


def image_files(folder: Path) -> list[Path]:
    """What `find_images` finds; raises DataError where that is nothing."""
    found = find_images(folder)
    if not found:
        endings = ", ".join(sorted(_SUFFIXES))
        raise DataError(f"{folder}: no images in this folder; it needs files that end in {endings}")
    return found
