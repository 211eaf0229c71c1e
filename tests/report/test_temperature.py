"""A fitted temperature gives back the one that scores were drawn with, and a smaller error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from tests.thorough import drawn

from signbit.report.scores import Scores
from signbit.report.temperature import fitted_temperature, held_out_error


def honest(count: int, classes: int, temperature: float, seed: int) -> Scores:
    """Labels are drawn from the softmax of the logits by a temperature."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2 * temperature, (count, classes)).astype(np.float32)
    chances = softmax(logits.astype(np.float64) / temperature, axis=1)
    labels = (rng.random((count, 1)) > np.cumsum(chances, axis=1)).sum(axis=1).clip(0, classes - 1)
    return Scores(logits, labels, tuple(map(str, range(classes))))


@drawn(15)
@given(
    st.integers(2, 20),
    st.sampled_from([1e-3, 0.5, 1.0, 7.0, 1e4]),
    st.integers(0, 2**32 - 1),
)
def test_the_temperature_of_honest_labels_is_found(
    classes: int, temperature: float, seed: int
) -> None:
    scores = honest(3000, classes, temperature, seed)
    assert fitted_temperature(scores) == pytest.approx(temperature, rel=0.15)


def test_too_certain_scores_become_honest_on_other_images() -> None:
    scores = honest(4000, 10, 5.0, 0)
    assert scores.calibration_error() > 0.3
    assert held_out_error(scores) < 0.04
    fitted = replace(scores, temperature=fitted_temperature(scores))
    assert fitted.calibration_error() < 0.04
    np.testing.assert_array_equal(fitted.answers, scores.answers)


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("count", [1, 2, 12])
def test_few_images_make_no_network_certain(right: bool, count: int) -> None:
    logits = np.tile(np.array([[9, 0, -4]], np.float32), (count, 1))
    scores = Scores(logits, np.full(count, 0 if right else 2), ("a", "b", "c"))
    temperature = fitted_temperature(scores)
    assert np.isfinite(temperature)
    assert temperature > 0
    likeliest = replace(scores, temperature=temperature).probabilities.max()
    assert likeliest < 1 if right else likeliest < 0.4


def test_scores_that_are_all_alike_have_a_temperature() -> None:
    scores = Scores(np.zeros((4, 3), np.float32), np.array([0, 1, 2, 0]), ("a", "b", "c"))
    assert np.isfinite(fitted_temperature(scores))
    assert 0 <= held_out_error(scores) <= 1


def test_named_are_those_that_reach_the_least_probability() -> None:
    logits = np.log(np.array([[0.7, 0.2, 0.1], [0.4, 0.35, 0.25]], np.float32))
    scores = Scores(logits, np.array([0, 1]), ("a", "b", "c"), 1.0, 0.5)
    assert scores.named.tolist() == [True, False]
    assert replace(scores, least_probability=0.0).named.all()
    assert not replace(scores, temperature=9.0).named.any()
