"""The learning rate as a function of how far training has come."""

from __future__ import annotations

import math
from typing import Literal

__all__ = ["Schedule", "learning_rate"]

Schedule = Literal["cosine", "linear", "constant"]


def learning_rate(schedule: Schedule, base: float, progress: float) -> float:
    """The rate at `progress` in 0 … 1 (finished steps ÷ all steps of the run).

    cosine: base·(1 + cos(π·progress))/2, linear: base·(1 − progress), constant: base.
    """
    if schedule == "cosine":
        return base * (1.0 + math.cos(math.pi * progress)) / 2.0
    if schedule == "linear":
        return base * (1.0 - progress)
    return base
