"""The learning rate as a function of how far training has come."""

from __future__ import annotations

import math

from signbit.training.recipe.sections import Schedule, Steps, WarmUp

__all__ = ["in_words", "learning_rate", "progress_at"]

_FIRST = 1 / 25  # of the base rate, where a warm-up begins: Smith and Topin 2018


def progress_at(schedule: Schedule, epoch: int, step: int, *, epochs: int, steps: int) -> float:
    """The progress that `schedule` goes by at `step` of `epoch`, both from 0, in 0 … 1.

    Of `epochs` of `steps` each it is the share of steps that are done. linear-stepped-first moves
    once per epoch, before it begins, as the code of Bi-Real Net and ReActNet does: epoch e has the
    rate base·(1 − (e + 1)/epochs), so that the last epoch has a rate of 0.
    """
    if schedule == "linear-stepped-first":
        return (epoch + 1) / epochs
    return (epoch * steps + step) / (epochs * steps)


def learning_rate(schedule: Schedule, base: float, progress: float) -> float:
    """The rate at `progress` in 0 … 1 (finished steps ÷ all steps of the run).

    cosine: base·(1 + cos(π·progress))/2, linear and linear-stepped-first: base·(1 − progress),
    constant: base; steps: base·factorⁿ, where n of the shares `at` have been reached. A warm-up
    rises on a line from base/25 to base, and its `then` begins there, with all that is left.
    """
    if isinstance(schedule, WarmUp):
        if progress < schedule.warm_up:
            return base * (_FIRST + (1.0 - _FIRST) * progress / schedule.warm_up)
        rest = (progress - schedule.warm_up) / (1.0 - schedule.warm_up)
        return learning_rate(schedule.then, base, rest)
    if isinstance(schedule, Steps):
        reached = sum(progress >= share for share in schedule.at)
        return base * schedule.factor**reached
    if schedule == "cosine":
        return base * (1.0 + math.cos(math.pi * progress)) / 2.0
    if schedule in ("linear", "linear-stepped-first"):
        return base * (1.0 - progress)
    return base


def in_words(schedule: Schedule) -> str:
    """The schedule as a part of a sentence: "cosine schedule"."""
    if isinstance(schedule, Steps):
        shares = ", ".join(f"{share:g}" for share in schedule.at)
        return f"rate ×{schedule.factor:g} at {shares} of the run"
    if isinstance(schedule, WarmUp):
        return f"{schedule.then} schedule after a warm-up of {schedule.warm_up:g} of the run"
    return f"{schedule} schedule"
