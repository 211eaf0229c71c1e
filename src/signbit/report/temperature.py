"""The temperature that makes a classifier's probabilities as often right as they say.

Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2: scores are divided by one
number, found on images that did not train. The order of the classes stays.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from signbit.report.scores import Scores

__all__ = ["fitted_temperature", "held_out_error"]

_WIDEST = 1e6
"""How far the temperature may be from the scores' own spread, either way."""


def fitted_temperature(scores: Scores) -> float:
    """The temperature of the least mean negative log-likelihood of the labels, above 0.

    Beside the N images stands one more whose label could be any class, so that a network that is
    always right on few images is not made certain.
    """
    logits = scores.logits.astype(np.float64)
    spread = float(np.ptp(logits, axis=1).mean()) or 1.0

    def loss(log_temperature: float) -> float:
        likelihoods = log_softmax(logits / np.exp(log_temperature), axis=1)
        right = likelihoods[np.arange(len(logits)), scores.labels]
        return -float(right.sum() + likelihoods.mean())

    bounds = np.log(spread) - np.log(_WIDEST), np.log(spread) + np.log(_WIDEST)
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def held_out_error(scores: Scores) -> float:
    """The calibration error, 0 … 1, with a temperature that is always fitted on other images.

    Each half of the images, the even ones and the odd ones, is measured with the other's.
    """
    halves = [scores.some(slice(start, None, 2)) for start in (0, 1)]
    measured = [
        replace(half, temperature=fitted_temperature(other)).calibration_error() * len(half.labels)
        for half, other in (halves, halves[::-1])
    ]
    return sum(measured) / len(scores.labels)
