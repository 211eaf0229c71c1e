"""Images that look alike, by the cosine of a compiled network's features. NumPy and Pillow only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from signbit.data.pixels.decoding import batches
from signbit.data.pixels.images import Resize, decode, fit
from signbit.data.sources.image_files import image_files
from signbit.errors import DataError, InputError

__all__ = ["Gallery", "Match", "embed", "image_files", "read_gallery"]

Array = npt.NDArray[Any]


class Extractor(Protocol):
    """What retrieval needs of an engine."""

    @property
    def input_shape(self) -> tuple[int, int, int]: ...

    def __call__(self, images: Array, /) -> Any: ...


@dataclass(frozen=True)
class Match:
    """An image of a gallery; `similarity` is the cosine, −1 … 1."""

    index: int
    similarity: float


class Gallery:
    """Feature vectors float (N, width) to look in. Raises InputError where they are no matrix."""

    def __init__(self, vectors: Array) -> None:
        if vectors.ndim != 2 or not len(vectors):
            raise InputError(f"a gallery holds vectors (N >= 1, width), got shape {vectors.shape}")
        self._vectors = _unit(vectors)

    def nearest(self, queries: Array, top: int) -> list[list[Match]]:
        """For each of `queries` (n, width) the `top` most similar, best first; ties by index.

        A vector of zeros is similar to nothing: cosine 0. Raises InputError for another width, a
        top below 1, or a query that is not finite.
        """
        if queries.ndim != 2 or queries.shape[1] != self._vectors.shape[1]:
            raise InputError(
                f"queries must have shape (n, {self._vectors.shape[1]}), have {queries.shape}"
            )
        if top < 1:
            raise InputError(f"top must be at least 1, is {top}")
        cosines = _unit(queries) @ self._vectors.T
        order = np.argsort(-cosines, axis=1, kind="stable")[:, :top]
        return [
            [Match(int(index), float(row[index])) for index in chosen]
            for row, chosen in zip(cosines, order, strict=True)
        ]


def embed(engine: Extractor, images: npt.NDArray[np.uint8]) -> Array:
    """Features float32 (n, width) of uint8 images (n, H, W, C); a map is laid out as one vector.

    They are the engine's output, or the first of several.
    """
    answers = engine(images)
    outputs: Array = next(iter(answers.values())) if isinstance(answers, dict) else answers
    return outputs.reshape(len(outputs), -1)


def read_gallery(
    engine: Extractor,
    files: Sequence[Path],
    resize: Resize,
    skipped: Callable[[str], None],
) -> tuple[list[Path], Gallery]:
    """The files that could be read, and their features; `skipped` is told of each that could not.

    Raises DataError where none could.
    """

    def read(index: int) -> npt.NDArray[np.uint8]:
        path = files[index]
        try:
            image = decode(path.read_bytes(), str(path))
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror})") from error
        return fit(image, engine.input_shape, resize)

    kept: list[Path] = []
    parts: list[Array] = []
    for indices, images in batches(read, len(files), engine.input_shape, skipped):
        kept += [files[index] for index in indices]
        parts.append(embed(engine, images))
    if not parts:
        raise DataError(f"none of the {len(files)} images, {files[0]} first, can be read")
    return kept, Gallery(np.concatenate(parts))


def _unit(vectors: Array) -> npt.NDArray[np.float64]:
    """The rows at length 1, in float64; rows of zeros stay so."""
    wide = vectors.astype(np.float64)
    if not np.isfinite(wide).all():
        raise InputError("features must be finite numbers; compile the run again")
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    lengths[lengths == 0] = 1
    unit: npt.NDArray[np.float64] = wide / lengths
    return unit
