"""Small image sources on disk, made of known pixels."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

pytest.importorskip("torch")

WriteParquet = Callable[..., Path]
WriteFolder = Callable[..., Path]


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Lossless bytes of uint8 (H, W) or (H, W, 3)."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    return stream.getvalue()


def colours(count: int, size: int = 4) -> NDArray[np.uint8]:
    """`count` random RGB images."""
    return np.random.default_rng(7).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


@pytest.fixture
def write_parquet() -> WriteParquet:
    """write(path, images, labels, names=None, image_column="image", label_column="label").

    With labels=None there is no label column.
    """

    def write(
        path: Path,
        images: Sequence[bytes | None],
        labels: Sequence[Any] | None,
        names: list[str] | None = None,
        image_column: str = "image",
        label_column: str = "label",
    ) -> Path:
        import pyarrow
        from pyarrow import parquet

        rows = [{"bytes": data, "path": f"{i}.png"} for i, data in enumerate(images)]
        kind = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
        columns = {image_column: pyarrow.array(rows, type=kind)}
        if labels is not None:
            columns[label_column] = pyarrow.array(labels)
        table = pyarrow.table(columns)
        if names is not None:
            features = {
                image_column: {"_type": "Image"},
                label_column: {"names": names, "_type": "ClassLabel"},
            }
            described = json.dumps({"info": {"features": features}})
            table = table.replace_schema_metadata({"huggingface": described})
        path.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(table, path)
        return path

    return write


@pytest.fixture
def write_folder() -> WriteFolder:
    """write(root, {"train/cat": 3, …}): that many 4×4 images in each folder, all different."""

    def write(root: Path, counts: dict[str, int]) -> Path:
        images = iter(colours(sum(counts.values())))
        for name, count in counts.items():
            (root / name).mkdir(parents=True, exist_ok=True)
            for index in range(count):
                (root / name / f"{index:02d}.png").write_bytes(png(next(images)))
        return root

    return write
