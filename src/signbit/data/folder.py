"""Image folders: one folder a class, inside `train/` and `test/` or without a split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from signbit.data.dataset import ImageDataset
from signbit.data.fingerprint import of_files
from signbit.data.images import decode
from signbit.data.split import held_out_split
from signbit.errors import DataError

__all__ = ["IMAGE_SUFFIXES", "open_folder"]

IMAGE_SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}


def open_folder(folder: Path, split: str) -> ImageDataset:
    """`folder/<split>/<class>/<image>`, or `folder/<class>/<image>` with a held-out split.

    Class names are the class folders' names, sorted; with `train/` and `test/` they come from
    `train/`, and a class that only `test/` has is refused. Raises DataError where there are no
    images, a class folder without any, no such split, or (on reading) an image that cannot be
    read or decoded. Hidden files and folders are passed over.
    """
    subfolders = {path.name: path for path in _folders(folder)}
    if "train" in subfolders:
        if split not in subfolders:
            raise DataError(
                f"{folder}: no split {split!r}; there are: {', '.join(sorted(subfolders))}"
            )
        names = [path.name for path in _folders(subfolders["train"])]
        files, labels = _list_images(subfolders[split], names)
    else:
        names = sorted(subfolders)
        files, labels = _list_images(folder, names)
        chosen = held_out_split(labels, split, str(folder))
        files, labels = [files[index] for index in chosen], labels[chosen]
    if not files:
        raise DataError(
            f"{folder}: no images of the {split} split; expected {split}/<class>/<image> or "
            f"<class>/<image>, or Parquet files"
        )

    def read(index: int) -> NDArray[np.uint8]:
        try:
            data = files[index].read_bytes()
        except OSError as error:
            raise DataError(
                f"{files[index]}: cannot be read ({error.strerror}); an image file is needed"
            ) from error
        return decode(data, str(files[index]))

    return ImageDataset(
        read, labels, names, source=str(folder), split=split, fingerprint=of_files(files)
    )


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")


def _list_images(folder: Path, names: list[str]) -> tuple[list[Path], NDArray[np.int64]]:
    files: list[Path] = []
    labels: list[int] = []
    for class_folder in _folders(folder):
        if class_folder.name not in names:
            raise DataError(
                f"{class_folder}: class {class_folder.name!r} is not in the training split, "
                f"which has: {', '.join(names)}"
            )
        images = sorted(
            path
            for path in class_folder.iterdir()
            # Systems leave hidden files, such as macOS's `._photo.jpg`, beside the photos.
            if path.suffix.lower() in IMAGE_SUFFIXES and path.name[0] != "."
        )
        if not images:
            raise DataError(f"{class_folder}: this class has no images; add some or remove it")
        files += images
        labels += [names.index(class_folder.name)] * len(images)
    return files, np.asarray(labels, dtype=np.int64)
