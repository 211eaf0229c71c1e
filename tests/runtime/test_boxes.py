"""Boxes of grids: the formula by hand, what is dropped, and what is refused."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

from signbit.errors import InputError
from signbit.runtime.boxes import find_boxes

NOTHING = -20.0


def grid(height: int, width: int, anchors: int = 1, classes: int = 2) -> np.ndarray:
    """(1, height, width, anchors, 5 + classes) that says nothing."""
    return np.full((1, height, width, anchors, 5 + classes), NOTHING, np.float32)


def flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(*values.shape[:3], -1)


def test_a_box_is_where_the_formula_has_it() -> None:
    said = grid(2, 4, anchors=2)
    said[0, 1, 2, 1] = (0.5, -1.0, 0.25, -0.5, 3.0, 1.0, 2.0)
    (found,) = find_boxes({"a": flat(said)}, {"a": ((8, 8), (10, 20))}, (64, 200))

    def logistic(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    x, y = (2 + logistic(0.5)) * 50, (1 + logistic(-1.0)) * 32
    w, h = 10 * math.exp(0.25), 20 * math.exp(-0.5)
    expected = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
    np.testing.assert_allclose(found.corners, [expected], rtol=1e-5)
    np.testing.assert_allclose(found.scores, [logistic(3.0) * logistic(2.0)], rtol=1e-5)
    assert found.classes.tolist() == [1]


def test_of_boxes_that_say_the_same_the_surest_stays() -> None:
    said = grid(1, 3, anchors=2)
    said[0, 0, 0, 0] = (0, 0, 0, 0, 4, 9, NOTHING)
    said[0, 0, 0, 1] = (0.1, 0, 0, 0, 5, 9, NOTHING)  # the same place and class, and surer
    said[0, 0, 1, 0] = (-9, 0, 0, 0, 4, NOTHING, 9)  # overlaps less than half
    said[0, 0, 2, 0] = (0, 0, 0, 0, -1, 9, 9)  # not sure enough
    fine = grid(2, 6)
    fine[0, 1, 1, 0] = (-9, -9, 0, 0, 9, NOTHING, 9)  # another class at the first place
    (found,) = find_boxes(
        {"a": flat(said), "b": flat(fine)}, {"a": ((30, 30),) * 2, "b": ((30, 30),)}, (32, 96)
    )
    assert found.classes.tolist() == [1, 0, 1]
    assert (np.diff(found.scores) <= 0).all()
    (all_of_them,) = find_boxes(
        {"a": flat(said)}, {"a": ((30, 30),) * 2}, (32, 96), most_overlap=1.0, least_score=0.0
    )
    assert len(all_of_them.scores) == 6


def test_nothing_is_found_where_nothing_is_said() -> None:
    images = np.concatenate([flat(grid(2, 2))] * 3)
    found = find_boxes({"a": images}, {"a": ((8, 8),)}, (32, 32))
    assert [(each.corners.shape, len(each.scores), len(each.classes)) for each in found] == [
        ((0, 4), 0, 0)
    ] * 3


def test_sizes_beyond_all_images_overflow_nowhere() -> None:
    said = grid(1, 1)
    said[..., 2:4], said[..., 4:] = 3e38, 3e38
    with np.errstate(all="raise", under="ignore"):
        (found,) = find_boxes({"a": flat(said)}, {"a": ((8, 8),)}, (32, 32))
    assert np.isfinite(found.corners).all()


@pytest.mark.parametrize(
    ("grids", "anchors", "says"),
    [
        ({"a": np.zeros((1, 2, 2, 7))}, {"b": ((1, 1),)}, "anchors: has no 'a', only b"),
        ({"a": np.zeros((1, 2, 2, 5))}, {"a": ((1, 1),)}, "'a' has shape"),
        ({"a": np.zeros((1, 2, 2, 7))}, {"a": ((1, 1),) * 2}, "2 anchors"),
        ({"a": np.zeros((2, 2, 7))}, {"a": ((1, 1),)}, "'a' has shape"),
        ({}, {}, "one or more, all of the same images"),
        (
            {"a": np.zeros((1, 2, 2, 7)), "b": np.zeros((2, 2, 2, 7))},
            {"a": ((1, 1),), "b": ((1, 1),)},
            "all of the same images",
        ),
    ],
)
def test_what_does_not_fit_is_refused(grids, anchors, says) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=says):
        find_boxes(grids, anchors, (32, 32))


def test_torch_is_not_needed() -> None:
    script = "import sys, signbit.runtime.boxes; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
