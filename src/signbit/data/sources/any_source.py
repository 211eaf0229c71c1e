"""One front for every source of images."""

from __future__ import annotations

from pathlib import Path

from signbit.config import read_config
from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.say import Say, log
from signbit.data.sources.folder import has_split_folder, open_folder
from signbit.data.sources.hub import open_hub
from signbit.data.sources.image_files import find_images, walk
from signbit.data.sources.named import is_named, open_named, source_names
from signbit.data.sources.parquet import holds_images, open_parquet, parquet_files
from signbit.data.sources.split import find_split
from signbit.errors import DataError
from signbit.files import checked_path
from signbit.words import counted

__all__ = ["absolute_source", "folder_of", "has_split", "open_dataset", "source_name"]

_HUB = "hub:"


def absolute_source(source: str | Path) -> str:
    """`source` as it is found from any working folder: of a folder the absolute path."""
    if is_named(source) or str(source).startswith(_HUB):
        return str(source)
    return str(folder_of(source).absolute())


def source_name(source: str) -> str:
    """What to call a source where it is told of: of a folder its name, without where it lies."""
    named = is_named(source) or source.startswith(_HUB)
    return source if named else folder_of(source).absolute().name


def folder_of(source: str | Path) -> Path:
    """The folder that a source means: one that the user's configuration names, or a path."""
    if isinstance(source, str) and (configured := read_config().data.get(source)) is not None:
        return configured
    return Path(source).expanduser()


def open_dataset(
    source: str | Path, split: str, *, labelled: bool = True, say: Say | None = None
) -> ImageDataset:
    """The images of `split` ("train" or "test") of `source`.

    `source` is "digits" (scikit-learn's), a name of `signbit.data.register`, "hub:owner/name" (the
    Hugging Face Hub), a name of the user's configuration, or a folder: of Parquet files in the
    Hub's layout, or of images with one folder per class; in a folder of both, Parquet files that
    hold no images of a split are not meant. The network is used for "hub:" only. `say`, by default
    a logger, hears in one line what lies in a folder and is left out. Raises DataError where the
    source or the split is missing or empty, or images have no labels; InputError for a source that
    is no path.

    With labelled=False the labels are taken only where every image has one; otherwise all images
    are of one class, "unlabelled". Where the source has no split but train, every fifth image is
    held out from it, and any other name of a split means these.
    """
    if is_named(source):
        return open_named(str(source), split)
    if isinstance(source, str) and source.startswith(_HUB):
        return open_hub(source.removeprefix(_HUB), split, labelled=labelled)
    checked_path("source", source)
    folder = folder_of(source)
    if not folder.exists():
        raise DataError(
            f"{folder}: no such folder (data is a folder, {', '.join(source_names())}, or "
            f"{_HUB}OWNER/NAME); name one with --data, or --import the file that registers it"
        )
    if not folder.is_dir():
        raise DataError(f"{folder}: not a folder; name the folder that holds the images")
    say = say or log
    if _is_of_parquet(folder, split, say):
        return open_parquet(folder, split, labelled=labelled)
    return open_folder(folder, split, labelled=labelled, say=say)


def has_split(source: str, split: str) -> bool:
    """Whether a source that `open_dataset` opens has images of its own for `split`, or its like.

    A source that has a name has none but training and test images.
    """
    if is_named(source):
        return False
    if source.startswith(_HUB):
        try:
            open_hub(source.removeprefix(_HUB), split)
        except DataError:
            return False
        return True
    folder = folder_of(source)
    if _is_of_parquet(folder, split, lambda text: None):
        return find_split(split, parquet_files(folder)) is not None
    return has_split_folder(folder, split)


def _is_of_parquet(folder: Path, split: str, say: Say) -> bool:
    """Whether Parquet files are meant, and a word about what is not, where both are there."""
    splits = parquet_files(folder)
    if not splits or not any(here.images for here in walk(folder)):
        return bool(splits)
    if holds_images(splits, split):
        images = counted(len(find_images(folder)), "image file")
        say(f"{folder}: Parquet files are read; left out: {images} beside them")
        return True
    paths = [path for paths in splits.values() for path in paths]
    say(
        f"{folder}: left out {counted(len(paths), 'Parquet file')} without images of a split, as "
        f"{paths[0].relative_to(folder)}"
    )
    return False
