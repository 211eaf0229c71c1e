"""Data sets on the Hugging Face Hub, through the `datasets` library (it downloads and caches)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from signbit.data.dataset import ImageDataset
from signbit.data.fingerprint import of_files
from signbit.data.images import decode
from signbit.errors import DataError, MissingExtraError

__all__ = ["open_hub"]


def open_hub(name: str, split: str) -> ImageDataset:
    """Split `split` of the Hub's data set `name` ("owner/name").

    The first image feature gives the images, the first class label the labels and class names.
    Raises DataError where the data set, the split or either feature is missing.
    """
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError("the Hub needs `datasets`; install signbit[train]") from error
    try:
        table = datasets.load_dataset(name, split=split)
    except (OSError, ValueError) as error:
        raise DataError(f"hub:{name}: cannot load the {split} split ({error})") from error
    images = [key for key, value in table.features.items() if isinstance(value, datasets.Image)]
    labels = [
        key for key, value in table.features.items() if isinstance(value, datasets.ClassLabel)
    ]
    if not images or not labels:
        raise DataError(
            f"hub:{name}: an image and a class label are needed, but its features are: "
            f"{', '.join(table.features)}"
        )
    # What the library downloaded lies in Arrow files; a table made in memory has none.
    files = [Path(file["filename"]) for file in table.cache_files]
    encoded = table.cast_column(images[0], datasets.Image(decode=False))

    def read(index: int) -> NDArray[np.uint8]:
        row = encoded[index][images[0]]
        where = f"hub:{name}: image {index} of the {split} split"
        if row["bytes"] is None:
            with open(row["path"], "rb") as file:
                return decode(file.read(), where)
        return decode(row["bytes"], where)

    return ImageDataset(
        read,
        table[labels[0]][:],
        table.features[labels[0]].names,
        source=f"hub:{name}",
        split=split,
        fingerprint=of_files(files, images[0], split) if files else None,
    )
