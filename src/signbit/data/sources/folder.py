"""Image folders: one folder per class, inside those of the splits or without a split.

Without labels, images may lie at any depth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.fingerprint import of_files
from signbit.data.pixels.images import decode
from signbit.data.sources.image_files import find_images, image_files, is_image
from signbit.data.sources.split import find_split, held_out_split, no_split, train_or_held_out
from signbit.data.sources.unlabelled import LABELS_NEEDED, UNLABELLED, no_labels
from signbit.errors import DataError

__all__ = ["open_folder"]


def open_folder(folder: Path, split: str, *, labelled: bool = True) -> ImageDataset:
    """`folder/<split>/<class>/<image>`, or `folder/<class>/<image>` with a held-out split.

    The folder of a split may have another usual name, and `val/` serves where there is no `test/`:
    `find_split`. Class names are the class folders' names, sorted; with `train/` and `test/` they
    come from `train/`, and a class that only `test/` has is refused. Raises DataError where there
    are no images, a class folder without any, no such split, or (on reading) an image that cannot
    be read or decoded. Hidden files and folders are passed over.

    With labelled=False (see `signbit.data.open_dataset`) the folders are classes only where every
    image is in one, none deeper, and `train/` or, without it, `folder` has two or more of them.
    """
    subfolders = {path.name: path for path in _folders(folder)}
    train = _training_folder(subfolders, labelled=labelled)
    undivided = train is None or (len(subfolders) == 1 and not labelled)
    training = folder if train is None else subfolders[train]
    root, asked = training, split
    if not undivided:
        found = find_split(split, subfolders)
        if found is None:
            cure = f"add {split}/<class>/<image>, or name {training}, to hold out a fifth of it"
            raise no_split(str(folder), split, subfolders, cure)
        root, split = subfolders[found], found
    names = [path.name for path in _folders(training)]
    if labelled or (len(names) > 1 and _has_classes(training) and _has_classes(root)):
        files, labels = _list_images(root, names)
    else:
        names, files = [*UNLABELLED], image_files(root)
        labels = no_labels(len(files))
    if undivided:
        divide = held_out_split if labelled else train_or_held_out
        chosen = divide(labels, asked, str(folder))
        files, labels = [files[index] for index in chosen], labels[chosen]
    if not files:
        raise DataError(
            f"{folder}: no images of the {split} split; expected {split}/<class>/<image> or "
            f"<class>/<image>, or Parquet files; add some, or name another folder"
        )
    return ImageDataset(
        _Files(files), labels, names, source=str(folder), split=split, fingerprint=of_files(files)
    )


@dataclass(frozen=True)
class _Files:
    """Image i is in file i."""

    files: list[Path]

    def __call__(self, index: int) -> NDArray[np.uint8]:
        path = self.files[index]
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DataError(
                f"{path}: cannot be read ({error.strerror}); let this user read it, or remove it"
            ) from error
        return decode(data, str(path))


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")


def _training_folder(subfolders: Mapping[str, Path], *, labelled: bool) -> str | None:
    """Which of the folders holds the training images; None where they are classes."""
    train = find_split("train", subfolders)
    if train is None or find_split("test", subfolders) is not None:
        return train
    if labelled and len(subfolders) > 1 and not _folders(subfolders[train]):
        return None  # a class that is called so: trains among buses
    return train if labelled or train == "train" else None


def _has_classes(folder: Path) -> bool:
    """Whether no image lies beside the folders in `folder`, or in one that is inside of these."""
    beside = any(map(is_image, folder.iterdir()))
    return not beside and not any(
        find_images(inner) for class_folder in _folders(folder) for inner in _folders(class_folder)
    )


def _list_images(folder: Path, names: list[str]) -> tuple[list[Path], NDArray[np.int64]]:
    files: list[Path] = []
    labels: list[int] = []
    for class_folder in _folders(folder):
        if class_folder.name not in names:
            raise DataError(
                f"{class_folder}: class {class_folder.name!r} is not in the training split, "
                f"which has: {', '.join(names)}; rename the folder, or add the class to both"
            )
        images = sorted(filter(is_image, class_folder.iterdir()))
        if not images:
            if deeper := find_images(class_folder):
                raise DataError(
                    f"{class_folder}: this class has no images but {len(deeper)} in folders inside "
                    f"it, whose class is not clear; {LABELS_NEEDED}"
                )
            raise DataError(f"{class_folder}: this class has no images; add some or remove it")
        files += images
        labels += [names.index(class_folder.name)] * len(images)
    if not files and (loose := find_images(folder)):
        raise DataError(
            f"{folder}: its {len(loose)} images are in no class folder (<class>/<image>), so they "
            f"have no labels; {LABELS_NEEDED}"
        )
    return files, np.asarray(labels, dtype=np.int64)
