"""Whether float images look like pixels from 0 to 255, as an engine takes them; it says so once."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.errors import SignbitWarning

__all__ = ["warning_once"]

Array = npt.NDArray[Any]
Check = Callable[[Array], Array]

_FLOAT32 = np.dtype(np.float32)

_NORMALISED = 16
"""Pixels divided by their deviation stay below it; some of 0 to 255 nearly always pass it."""


def warning_once(kind: str, check: Check) -> Check:
    """The check of an input's batches, which also warns of the first float images that are odd.

    kind: of the input. A batch is (N, H, W, C).
    """
    if kind != "image":
        return check
    warned = False

    def checked(array: Array) -> Array:
        nonlocal warned
        images = check(array)
        if not warned and images.dtype == _FLOAT32 and (why := _why_odd(images)):
            warned = True
            warnings.warn(why, SignbitWarning, stacklevel=_outside())
        return images

    return checked


def _why_odd(images: Array) -> str:
    """What says that images are no pixels; "" where nothing does, as of black ones."""
    with np.errstate(invalid="ignore"):
        highest = float(images.max(initial=0))
        if not highest < _NORMALISED:
            return ""
        lowest = float(images.min(initial=0))
    if -_NORMALISED < lowest < 0:
        cure = "give it pixels that are not normalised yet"
    elif lowest >= 0 and highest <= 1 and (images != np.rint(images)).any():
        cure = "multiply them by 255"
    else:
        return ""
    return (
        f"the values of these images are {lowest:.3g} to {highest:.3g}, and an engine takes pixels "
        f"from 0 to 255, which it normalises itself: {cure}"
    )


def _outside() -> int:
    """The stack level of the first caller that is not signbit's own, seen from this one's."""
    level = 1
    while sys._getframe(level).f_globals.get("__name__", "").startswith("signbit."):
        level += 1
    return level
