"""Signs as the sources compare and store them."""

from __future__ import annotations

import math

import numpy as np

from signbit.bitformat.checks import Array
from signbit.bitformat.graph import Output
from signbit.targets.c.site import Site

__all__ = ["after", "flips", "least_integers"]


def after(site: Site, output: Output) -> int:
    """How many steps an output follows."""
    return len(site.node.steps) if output.after is None else output.after


def least_integers(site: Site, output: Output, largest: int) -> Array:
    """The whole numbers t for which v0 < t where float32(v0), or v0, is below the threshold.

    |v0| is at most `largest`, so they are held to its range; rounding to float32 keeps the order.
    """
    if output.threshold is None:
        return np.zeros(site.shape[2], np.int64)
    threshold = site.arrays[output.threshold]
    if threshold.dtype == np.int32:
        return threshold.astype(np.int64).clip(-largest, min(largest + 1, (1 << 31) - 1))
    limits = []
    for each in threshold:
        low, high = -largest, largest + 1
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if np.float32(middle) < each else (low, middle)
        limits.append(low)
    return np.array(limits, np.int64)


def flips(site: Site, output: Output) -> str:
    """` ^ ` and word i of what flips signs; nothing where none is flipped."""
    if output.flip is None:
        return ""
    values = site.arrays[output.flip]
    padded = np.zeros(32 * math.ceil(len(values) / 32), np.uint8)
    padded[: len(values)] = values
    words = np.packbits(padded, bitorder="little").view("<u4").astype(np.uint32)
    return f" ^ {site.per_channel(words, 'i')}" if words.any() else ""
