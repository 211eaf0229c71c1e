"""Boxes of what a detector's grids say, as YOLO has them. NumPy alone.

Redmon, Farhadi 2018, "YOLOv3: An Incremental Improvement", sections 2.1 and 2.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from signbit.errors import InputError

__all__ = ["Boxes", "find_boxes"]

Floats = npt.NDArray[np.float32]


class Boxes(NamedTuple):
    """The boxes found in one image, the surest first."""

    corners: Floats
    """(n, 4): left, top, right and bottom, in pixels."""
    scores: Floats
    """(n,), 0 … 1: certainty of the box times probability of its class."""
    classes: npt.NDArray[np.int64]
    """(n,)"""


def find_boxes(
    grids: Mapping[str, npt.ArrayLike],
    anchors: Mapping[str, Sequence[tuple[float, float]]],
    image_size: tuple[int, int],
    *,
    least_score: float = 0.5,
    most_overlap: float = 0.45,
) -> list[Boxes]:
    """For each image, the boxes of all grids that are sure enough and do not say the same.

    grids: name of a grid → what the engine gave, float32 (N, height, width, anchors · (5 +
    classes)); anchors: name → width and height of each in pixels of the network's input, whose size
    is image_size, (height, width). Of each anchor in each cell (column cx, row cy) the network says
    x, y, w, h, certainty o and a score of each class. With σ the logistic function and a cell of
    W/width × H/height pixels, the box's centre is ((cx + σ(x)) · W/width, (cy + σ(y)) · H/height),
    its size (anchor width · eʷ, anchor height · eʰ), and a class's score σ(o) · σ(class). Of boxes
    of one class whose intersection is more than `most_overlap` of their union, the surest stays.

    Raises InputError for grids without anchors, of another shape, or of several numbers of images.
    """
    found = [_of_grid(name, grids[name], anchors, image_size) for name in grids]
    if len({len(corners) for corners, _ in found}) != 1:
        raise InputError("grids: must be one or more, all of the same images")
    corners = np.concatenate([each[0] for each in found], 1)
    scores = np.concatenate([each[1] for each in found], 1)
    return [_surest(*each, least_score, most_overlap) for each in zip(corners, scores, strict=True)]


def _of_grid(
    name: str,
    grid: npt.ArrayLike,
    anchors: Mapping[str, Sequence[tuple[float, float]]],
    image_size: tuple[int, int],
) -> tuple[Floats, Floats]:
    """All boxes of one grid: corners (N, n, 4) and scores of the classes (N, n, classes)."""
    values = np.asarray(grid, np.float32)
    if name not in anchors:
        raise InputError(f"anchors: has no {name!r}, only {', '.join(anchors) or 'none'}")
    shapes = np.asarray(anchors[name], np.float32)
    if values.ndim != 4 or values.shape[3] % len(shapes) or values.shape[3] // len(shapes) < 6:
        raise InputError(
            f"grids: {name!r} has shape {values.shape}, not (N, height, width, {len(shapes)} "
            "anchors · (5 + classes))"
        )
    count, height, width, channels = values.shape
    values = values.reshape(count, height, width, len(shapes), channels // len(shapes))
    cell = np.array((image_size[1] / width, image_size[0] / height), np.float32)
    rows, columns = np.mgrid[:height, :width]
    corner = np.stack((columns, rows), -1)[:, :, None]
    centre = (corner + _logistic(values[..., :2])) * cell
    # No image is as large as e⁹ anchors: what is beyond would overflow.
    half = shapes * np.exp(np.minimum(values[..., 2:4], 9)) / 2
    corners = np.concatenate((centre - half, centre + half), -1)
    scores = _logistic(values[..., 4:5]) * _logistic(values[..., 5:])
    return (
        corners.reshape(count, -1, 4).astype(np.float32),
        scores.reshape(count, corners[0].size // 4, -1),
    )


def _surest(corners: Floats, scores: Floats, least_score: float, most_overlap: float) -> Boxes:
    """Of one image's boxes those that stay, each with its likeliest class."""
    classes, best = scores.argmax(1), scores.max(1)
    order = np.argsort(-best, kind="stable")
    order = order[best[order] >= least_score]
    kept: list[int] = []
    for number in order:
        same = [other for other in kept if classes[other] == classes[number]]
        if not (_overlaps(corners[number], corners[same]) > most_overlap).any():
            kept.append(number)
    return Boxes(corners[kept], best[kept], classes[kept])


def _overlaps(box: Floats, others: Floats) -> Floats:
    """Intersection over union of a box and each of several: (n,)."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    shared = np.maximum(sides, 0).prod(1)
    areas = (others[:, 2:] - others[:, :2]).prod(1) + (box[2:] - box[:2]).prod()
    overlaps: Floats = shared / np.maximum(areas - shared, np.finfo(np.float32).tiny)
    return overlaps


def _logistic(x: Floats) -> Floats:
    """1 / (1 + e⁻ˣ), which overflows nowhere."""
    y: Floats = 0.5 * (1 + np.tanh(0.5 * x))
    return y
