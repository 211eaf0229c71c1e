"""Folders of Parquet files in the Hub's image-classification layout.

A row has an image column (a struct of `bytes` and `path`) and an integer label column; the split
is the start of the file name, as in `train-00000-of-00001.parquet`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.fingerprint import of_files
from signbit.data.sources.image_files import walk
from signbit.data.sources.parquet_rows import Rows, unreadable
from signbit.data.sources.split import find_split, no_split, train_or_held_out
from signbit.data.sources.unlabelled import LABELS_NEEDED, UNLABELLED, lacking, no_labels
from signbit.errors import DataError, MissingExtraError

__all__ = ["holds_images", "open_parquet", "parquet_files"]


def parquet_files(folder: Path) -> dict[str, list[Path]]:
    """Parquet files at any depth of `folder`, sorted, by split; hidden ones are passed over."""
    found = sorted(
        path for here in walk(folder) for path in here.others if path.suffix == ".parquet"
    )
    splits: dict[str, list[Path]] = {}
    for path in found:
        splits.setdefault(path.stem.split("-")[0], []).append(path)
    return splits


def holds_images(splits: Mapping[str, list[Path]], asked: str) -> bool:
    """Whether the training, test or `asked` split among `splits` has a column of images."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        return False
    meant = (find_split(each, splits) for each in ("train", "test", asked))
    for name in filter(None, meant):
        with suppress(pyarrow.ArrowException, OSError, DataError):
            _image_column(parquet.read_schema(splits[name][0]), splits[name][0])
            return True
    return False


def open_parquet(folder: Path, split: str, *, labelled: bool = True) -> ImageDataset:
    """The images of `split`. Raises DataError on a missing split, column, or damaged file.

    Class names come from the files' own `huggingface` metadata, else from `dataset_info` in the
    folder's README.md, else they are the numbers. With labelled=False (see
    `signbit.data.open_dataset`) there may be no label column, or labels that are missing.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError.of("pyarrow", "a Parquet file") from error
    splits = parquet_files(folder)
    undivided = not labelled and [*splits] == ["train"]
    asked, found = split, "train" if undivided else find_split(split, splits)
    if found is None:
        raise no_split(str(folder), split, sorted(splits), f"name files {split}-*.parquet")
    split = found
    files = splits[split]
    if len({path.parent for path in files}) > 1:
        folders = ", ".join(sorted({str(path.parent.relative_to(folder)) for path in files}))
        raise DataError(f"{folder}: several data sets ({folders}); name one of these folders")
    try:
        schema = parquet.read_schema(files[0])
    except (pyarrow.ArrowException, OSError) as error:
        raise unreadable(folder, split, error) from error
    image_column = _image_column(schema, folder)
    rows = Rows(folder, split, files, image_column)
    try:
        labels, names = _classes(schema, folder, splits, split)
    except DataError:
        if labelled:
            raise
        labels, names = no_labels(len(rows)), [*UNLABELLED]
    dataset = ImageDataset(
        rows,
        labels,
        names,
        source=str(folder),
        split=split,
        fingerprint=of_files(files, image_column),
    )
    if undivided:
        return dataset.take(train_or_held_out(dataset.labels, asked, str(folder)))
    return dataset


def _features(metadata: dict[bytes, bytes]) -> dict[str, dict[str, Any]]:
    """Column descriptions from the schema metadata that the `datasets` library writes."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}
    return {name: value for name, value in features.items() if isinstance(value, dict)}


def _image_column(schema: Any, folder: Path) -> str:
    for field in schema:
        if hasattr(field.type, "fields") and {"bytes", "path"} <= {
            part.name for part in field.type.fields
        }:
            return str(field.name)
    raise DataError(
        f"{folder}: no image column (a struct of bytes and path) among: {', '.join(schema.names)}; "
        "write one in the Hub's layout, or unpack the images into folders"
    )


def _classes(
    schema: Any, folder: Path, splits: dict[str, list[Path]], split: str
) -> tuple[NDArray[np.int64], list[str]]:
    """The labels of `split` and the names of its classes. DataError where an image has no label."""
    import pyarrow
    from pyarrow import parquet

    features = _features(schema.metadata or {})
    column = _label_column(schema, features, folder)
    try:
        values = parquet.read_table(splits[split], columns=[column]).column(column)
        names = features.get(column, {}).get("names") or _readme_names(folder, column)
        return _labels(values, folder, split), names or _numbers(splits, column)
    except pyarrow.ArrowException as error:
        raise DataError(f"{folder}: cannot read the labels, column {column} ({error})") from error


def _label_column(schema: Any, features: dict[str, dict[str, Any]], folder: Path) -> str:
    classes = [name for name, value in features.items() if value.get("_type") == "ClassLabel"]
    for name in ["label", "labels", *classes]:
        if name in schema.names:
            return name
    raise DataError(f"{folder}: no label column among: {', '.join(schema.names)}; {LABELS_NEEDED}")


def _labels(column: Any, folder: Path, split: str) -> NDArray[np.int64]:
    if column.null_count:
        raise lacking(column.null_count, str(folder), split)
    labels = column.to_numpy()
    if labels.dtype.kind not in "iu":
        raise DataError(
            f"{folder}: labels are {column.type}, but integers are needed; write each "
            "image's class as a number from 0, and their names into README.md"
        )
    # The Hub's data sets write −1 for a label that nobody has given.
    if negative := int((labels < 0).sum()):
        raise lacking(negative, str(folder), split)
    return np.asarray(labels, dtype=np.int64)


def _numbers(splits: dict[str, list[Path]], label_column: str) -> list[str]:
    """ "0", "1", … up to the highest label of any split, so that all splits agree."""
    from pyarrow import compute, parquet

    files = [path for paths in splits.values() for path in paths]
    column = parquet.read_table(files, columns=[label_column]).column(label_column)
    highest = compute.max(column).as_py()
    return [str(number) for number in range((-1 if highest is None else highest) + 1)]


def _readme_names(folder: Path, label_column: str) -> list[str] | None:
    """Class names from `dataset_info` in the YAML front matter of a data set card."""
    card = folder / "README.md"
    if not card.is_file():
        return None
    import yaml  # part of the train extra; the engine's commands import this module without it

    parts = card.read_text(encoding="utf-8").split("---\n", 2)
    if len(parts) < 3 or parts[0].strip():
        return None
    try:
        info = yaml.safe_load(parts[1])["dataset_info"]
        for feature in info["features"]:
            if feature["name"] == label_column:
                names = feature["dtype"]["class_label"]["names"]
                return [str(names[key]) for key in sorted(names, key=int)]
    except (yaml.YAMLError, KeyError, TypeError, ValueError):
        return None
    return None
