"""Data sets on the Hugging Face Hub, through the `datasets` library (it downloads and caches)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import numpy as np
from numpy.typing import NDArray

from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.fingerprint import of_files
from signbit.data.pixels.images import decode
from signbit.data.sources.split import find_split, no_split, train_or_held_out
from signbit.data.sources.unlabelled import LABELS_NEEDED, UNLABELLED, lacking, no_labels
from signbit.errors import DataError, MissingExtraError

__all__ = ["open_hub"]


def open_hub(name: str, split: str, *, labelled: bool = True) -> ImageDataset:
    """Split `split` of the Hub's data set `name` ("owner/name").

    The first image feature gives the images, the first class label the labels and class names.
    Raises DataError where the data set, the split, either feature or a label is missing. With
    labelled=False (see `signbit.data.open_dataset`) labels may be.
    """
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError.of("datasets", "a data set of the Hub") from error
    unknown = _unknown_host()
    try:
        # Asked for one split the library prepares all of them too, and it does not say which.
        with _offline() if unknown else nullcontext():
            tables = dict(datasets.load_dataset(name, split=None))
    except (OSError, ValueError) as error:
        why = f"no network: there is no {unknown}, and no copy is kept here" if unknown else error
        raise DataError(
            f"hub:{name}: cannot load the {split} split ({why}); if the name and the network are "
            "right, download the data set and name its folder with --data"
        ) from error
    undivided = not labelled and [*tables] == ["train"]
    asked, found = split, "train" if undivided else find_split(split, tables)
    if found is None:
        cure = "name another data set, or download it and divide it"
        raise no_split(f"hub:{name}", split, tables, cure)
    split = found
    table = tables[split]
    images = [key for key, value in table.features.items() if isinstance(value, datasets.Image)]
    if not images:
        raise DataError(
            f"hub:{name}: an image is needed, but its features are: {', '.join(table.features)}; "
            "name another data set"
        )
    try:
        labels, names = _classes(table, name, split)
    except DataError:
        if labelled:
            raise
        labels, names = no_labels(len(table)), [*UNLABELLED]
    # What the library downloaded lies in Arrow files; a table made in memory has none.
    files = [Path(file["filename"]) for file in table.cache_files]
    encoded = table.cast_column(images[0], datasets.Image(decode=False))
    files += _beside(encoded, images[0]) if files else []
    dataset = ImageDataset(
        _Rows(encoded, images[0], f"hub:{name}", split),
        labels,
        names,
        source=f"hub:{name}",
        split=split,
        fingerprint=of_files(files, images[0], split) if files else None,
    )
    if undivided:
        return dataset.take(train_or_held_out(dataset.labels, asked, dataset.source))
    return dataset


def _unknown_host() -> str:
    """The Hub's name where it cannot be resolved, so that trying again is no use; else ""."""
    from huggingface_hub import constants

    host = urlsplit(constants.ENDPOINT).hostname or ""
    if getproxies():
        return ""  # who knows the name
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return host
    return ""


@contextmanager
def _offline() -> Iterator[None]:
    """Let the library look at what it has downloaded before, and nowhere else."""
    import datasets
    from huggingface_hub import constants

    before = datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE
    datasets.config.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE = before


@dataclass(frozen=True)
class _Rows:
    """Image i is in row i of the library's table, which pickles as the names of its Arrow files."""

    table: Any
    column: str
    source: str
    split: str

    def __call__(self, index: int) -> NDArray[np.uint8]:
        row = self.table[index][self.column]
        where = f"{self.source}: image {index} of the {self.split} split"
        if row["bytes"] is not None:
            return decode(row["bytes"], where)
        try:
            return decode(Path(row["path"]).read_bytes(), where)
        except OSError as error:
            raise DataError(
                f"{where}: {row['path']} cannot be read ({error.strerror}); let this user read it, "
                "or load the data set anew"
            ) from error


def _beside(table: Any, column: str) -> list[Path]:
    """The image files that a table only names, as of a folder that the library has opened."""
    from pyarrow import compute

    rows = table.data.column(column)
    paths = compute.struct_field(rows, "path")
    named = paths.filter(compute.is_null(compute.struct_field(rows, "bytes"))).drop_null()
    return [Path(path) for path in named.to_pylist()]


def _classes(table: Any, name: str, split: str) -> tuple[NDArray[np.int64], list[str]]:
    """Labels and class names. DataError where an image has no label."""
    import datasets

    columns = [
        key for key, value in table.features.items() if isinstance(value, datasets.ClassLabel)
    ]
    if not columns:
        raise DataError(
            f"hub:{name}: no class label, its features are: {', '.join(table.features)}; "
            f"{LABELS_NEEDED}"
        )
    labels = table[columns[0]][:]
    # The Hub's data sets write −1 for a label that nobody has given.
    if missing := sum(label is None or label < 0 for label in labels):
        raise lacking(missing, f"hub:{name}", split)
    return np.asarray(labels, dtype=np.int64), table.features[columns[0]].names
