"""Confusion, accuracy of classes, mistakes and calibration, beside what counting by hand gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix
from tests.thorough import drawn

from signbit.report.scores import Scores

NAMES = ("cat", "dog", "eel")


def random_scores(count: int, classes: int, seed: int) -> Scores:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (count, classes)).astype(np.float32)
    names = tuple(map(str, range(classes)))
    return Scores(logits, rng.integers(0, classes, count), names)


@drawn(40)
@given(st.integers(1, 60), st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_figures_are_those_of_counting(count: int, classes: int, seed: int) -> None:
    scores = random_scores(count, classes, seed)
    answers = scores.logits.argmax(axis=1)
    expected = confusion_matrix(scores.labels, answers, labels=range(classes))
    np.testing.assert_array_equal(scores.confusion(), expected)
    assert scores.top1 == pytest.approx(float(np.mean(answers == scores.labels)))
    for index, right in enumerate(scores.per_class()):
        own = answers[scores.labels == index]
        assert np.isnan(right) if not len(own) else right == pytest.approx(np.mean(own == index))
    np.testing.assert_allclose(scores.probabilities.sum(axis=1), 1)
    wrong = scores.mistakes(count)
    assert sorted(wrong) == np.flatnonzero(answers != scores.labels).tolist()
    certainty = scores.probabilities.max(axis=1)[wrong]
    assert (np.diff(certainty) <= 0).all()
    assert scores.mistakes(2) == wrong[:2]
    assert sum(each.images for each in scores.bins()) == count
    assert 0 <= scores.calibration_error() <= 1


def test_calibration_error_is_the_mean_gap() -> None:
    # Two images of certainty 1, one of them right; two of 1/3, both right.
    sure = np.array([1e4, 0, 0], np.float32)
    logits = np.stack([sure, sure, np.zeros(3, np.float32), np.zeros(3, np.float32)])
    scores = Scores(logits, np.array([0, 1, 0, 0]), NAMES)
    first, last = scores.bins()
    assert (first.certainty, first.right, first.images) == (pytest.approx(1 / 3), 1.0, 2)
    assert (last.certainty, last.right, last.images) == (1.0, 0.5, 2)
    assert scores.calibration_error() == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_scores_far_beyond_a_float_s_exponent_are_probabilities() -> None:
    scores = Scores(np.array([[3e38, -3e38, 0]], np.float32), np.array([0]), NAMES)
    np.testing.assert_array_equal(scores.probabilities, [[1, 0, 0]])
