"""The learning rate as a function of how far training has come."""

from __future__ import annotations

import math

from signbit.training.recipe_sections import Schedule, Steps

__all__ = ["learning_rate"]


def learning_rate(schedule: Schedule, base: float, progress: float) -> float:
    """The rate at `progress` in 0 … 1 (finished steps ÷ all steps of the run).

    cosine: base·(1 + cos(π·progress))/2, linear: base·(1 − progress), constant: base;
    steps: base·factorⁿ, where n of the shares `at` have been reached.
    """
    if isinstance(schedule, Steps):
        reached = sum(progress >= share for share in schedule.at)
        return base * schedule.factor**reached
    if schedule == "cosine":
        return base * (1.0 + math.cos(math.pi * progress)) / 2.0
    if schedule == "linear":
        return base * (1.0 - progress)
    return base
