"""One front for every source of labelled images."""

from __future__ import annotations

from pathlib import Path

from signbit.data.dataset import ImageDataset
from signbit.data.digits import open_digits
from signbit.data.folder import open_folder
from signbit.data.hub import open_hub
from signbit.data.parquet import open_parquet, parquet_files
from signbit.errors import DataError

__all__ = ["open_dataset"]

_HUB = "hub:"


def open_dataset(source: str | Path, split: str) -> ImageDataset:
    """The images of `split` ("train" or "test") of `source`.

    `source` is "digits" (scikit-learn's), "hub:owner/name" (the Hugging Face Hub), or a folder:
    of Parquet files in the Hub's layout, or of images with one folder a class. The network is
    used for "hub:" only. Raises DataError where the source or the split is missing or empty.
    """
    if source == "digits":
        return open_digits(split)
    if isinstance(source, str) and source.startswith(_HUB):
        return open_hub(source.removeprefix(_HUB), split)
    folder = Path(source).expanduser()
    if not folder.exists():
        raise DataError(f"{folder}: no such folder (data is a folder, digits, or {_HUB}OWNER/NAME)")
    if not folder.is_dir():
        raise DataError(f"{folder}: not a folder; name the folder that holds the images")
    if parquet_files(folder):
        return open_parquet(folder, split)
    return open_folder(folder, split)
