"""Image folders: one folder per class, inside those of the splits or without a split.

Without labels, images may lie at any depth.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from signbit.data.class_names import class_name, nearly
from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.fingerprint import of_files
from signbit.data.loading.say import Say, log
from signbit.data.pixels.images import decode
from signbit.data.sources.image_files import (
    Listing,
    find_images,
    image_files,
    is_image,
    listing,
    told,
    walk,
)
from signbit.data.sources.path_list import Names, Paths
from signbit.data.sources.split import find_split, held_out_split, no_split, train_or_held_out
from signbit.data.sources.unlabelled import LABELS_NEEDED, UNLABELLED, no_labels
from signbit.errors import DataError
from signbit.words import counted, listed

__all__ = ["has_split_folder", "open_folder"]


def open_folder(folder: Path, split: str, *, labelled: bool = True, say: Say = log) -> ImageDataset:
    """`folder/<split>/<class>/<image>`, or `folder/<class>/<image>` with a held-out split.

    The folder of a split may have another usual name, and `val/` serves where there is no `test/`:
    `find_split`. Class names are the class folders' names, sorted; with `train/` and `test/` they
    come from `train/`, and a class that only `test/` has is refused. Raises DataError where there
    are no images, a class folder without any, no such split, or (on reading) an image that cannot
    be read or decoded. Hidden files and folders are passed over; `say` hears what else is left out.

    With labelled=False (see `signbit.data.open_dataset`) the folders are classes only where every
    image is in one, none deeper, and `train/` or, without it, `folder` has two or more of them.
    """
    subfolders = {path.name: path for path in listing(folder).folders}
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
    names = _class_names(training)
    if labelled or (len(names) > 1 and _has_classes(training) and _has_classes(root)):
        files, labels, seen = _list_images(root, names)
    else:
        names, files, seen = [*UNLABELLED], image_files(root), _Seen()
        seen.add(walk(root))
        labels = no_labels(len(files))
    _tell_what_is_left_out(folder, seen, len(files), say)
    if undivided:
        divide = held_out_split if labelled else train_or_held_out
        chosen = divide(labels, asked, str(folder))
        files, labels = files.take(chosen), labels[chosen]
    if not files:
        raise DataError(
            f"{folder}: no images of the {split} split; expected {split}/<class>/<image> or "
            f"<class>/<image>, or Parquet files; add some, or name another folder"
        )
    fingerprint = of_files(map(files.name, range(len(files))))
    return ImageDataset(
        _Files(files), labels, names, source=str(folder), split=split, fingerprint=fingerprint
    )


def has_split_folder(folder: Path, split: str) -> bool:
    """Whether `folder` has a folder of training images and one of this split's, or its like."""
    subfolders = {path.name: path for path in listing(folder).folders}
    divided = _training_folder(subfolders, labelled=True) is not None
    return divided and find_split(split, subfolders) is not None


@dataclass
class _Seen:
    """What folders hold: how many images and links to folders, and what is neither."""

    images: int = 0
    links: int = 0
    others: list[Path] = field(default_factory=list)

    def add(self, folders: Iterable[Listing]) -> None:
        """Add what these hold."""
        for here in folders:
            self.images += len(here.images)
            self.links += sum(path.is_symlink() for path in here.folders)
            self.others += here.others


@dataclass(frozen=True)
class _Files:
    """Image i is in file i."""

    files: Paths

    def name(self, index: int) -> str:
        return self.files.name(index)

    def __call__(self, index: int) -> NDArray[np.uint8]:
        path = self.files.name(index)
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError as error:
            raise DataError(
                f"{path}: cannot be read ({error.strerror}); let this user read it, or remove it"
            ) from error
        return decode(data, path)


def _training_folder(subfolders: Mapping[str, Path], *, labelled: bool) -> str | None:
    """Which of the folders holds the training images; None where they are classes."""
    train = find_split("train", subfolders)
    if train is None or find_split("test", subfolders) is not None:
        return train
    if labelled and len(subfolders) > 1 and not listing(subfolders[train]).folders:
        return None  # a class that is called so: trains among buses
    return train if labelled or train == "train" else None


def _class_names(folder: Path) -> list[str]:
    folders = {class_name(path.name): path for path in reversed(listing(folder).folders)}
    for path in listing(folder).folders:
        same = folders[class_name(path.name)]
        if same != path:
            raise DataError(
                f"{path}: its name is that of {same} in another Unicode form; put the images of "
                "both into one folder"
            )
    return sorted(folders)


def _has_classes(folder: Path) -> bool:
    """Whether no image lies beside the folders in `folder`, or in one that is inside of these."""
    here = listing(folder)
    return not here.images and not any(
        find_images(inner)
        for class_folder in here.folders
        for inner in listing(class_folder).folders
    )


def _list_images(folder: Path, names: list[str]) -> tuple[Paths, NDArray[np.int64], _Seen]:
    """The images in the class folders in `folder`, their labels, and all that there is."""
    here = listing(folder)
    files = Names()
    labels = array("q")
    seen = _Seen(len(here.images))
    for class_folder in here.folders:
        name = class_name(class_folder.name)
        if name not in names:
            raise _unknown_class(class_folder, name, names)
        before, beside = seen.images, len(seen.others)
        below = walk(class_folder)
        direct = next(below)
        seen.add([direct])
        seen.add(below)
        # What has an image's name and is a folder is left for the reader to name.
        images: Sequence[str] = direct.images.names
        if so_called := [str(path) for path in direct.folders if is_image(path)]:
            images = sorted([*images, *so_called])
        if not images:
            if deeper := seen.images - before:
                raise DataError(
                    f"{class_folder}: this class has no images but {deeper} in folders inside it, "
                    f"whose class is not clear; {LABELS_NEEDED}"
                )
            others = told(seen.others[beside:])
            raise DataError(
                f"{class_folder}: this class has no images{others and f' but {others}'}; add some "
                "or remove it"
            )
        files.extend(images)
        labels.extend(repeat(names.index(name), len(images)))
    if not files and (loose := find_images(folder)):
        raise DataError(
            f"{folder}: {counted(len(loose), 'image')} in no class folder (<class>/<image>), so "
            f"without a label; {LABELS_NEEDED}"
        )
    return Paths(files), np.asarray(labels, dtype=np.int64), seen


def _unknown_class(folder: Path, name: str, names: list[str]) -> DataError:
    what = f"{folder}: class {name!r} is not in the training split"
    if like := nearly(name, names):
        return DataError(f"{what}, but {like!r} is, which differs in case only; rename one of them")
    return DataError(
        f"{what}, which has: {listed(names)}; rename the folder, or add the class to both"
    )


def _tell_what_is_left_out(folder: Path, seen: _Seen, taken: int, say: Say) -> None:
    """One line about what lies in the folder and is no image, or no image of a class."""
    images = seen.images - taken
    parts = [
        told(seen.others),
        f"{counted(images, 'image')} not in a class folder itself" if images > 0 else "",
        counted(seen.links, "link to a folder", "links to folders") if seen.links else "",
    ]
    if any(parts):
        say(f"{folder}: left out: {', '.join(filter(None, parts))}")
