"""Which taps of a kernel lie inside the image, by output position.

A term that depends on the border, such as what a missing tap owes a weight offset, is stored for
each set of taps (docs/format.md), so that it holds at any image size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from signbit.bitformat.graph import Pair

__all__ = [
    "AxisTaps",
    "axis_taps",
    "tap_sets_at_any_size",
    "tap_stretches",
    "taps_inside",
    "window_count",
]


def window_count(
    size: int, kernel: int, stride: int, before: int = 0, after: int = 0, dilation: int = 1
) -> int:
    """Windows that fit along one axis; zero or negative where the window is too large."""
    return (size + before + after - dilation * (kernel - 1) - 1) // stride + 1


@dataclass(frozen=True)
class AxisTaps:
    """The tap sets that the windows along one axis meet.

    sets: each [first, last), (0, 0) for none, in order of first appearance. by_position: the
    place in `sets` of the one that each output position has.
    """

    sets: tuple[Pair, ...]
    by_position: tuple[int, ...]


def axis_taps(
    size: int, kernel: int, stride: int, before: int = 0, after: int = 0, dilation: int = 1
) -> AxisTaps:
    """The tap sets along an axis of an image of this size, with so much padding on either side."""
    numbers: dict[Pair, int] = {}
    by_position: list[int] = []
    for taps, positions in tap_stretches(size, kernel, stride, before, after, dilation):
        by_position += [numbers.setdefault(taps, len(numbers))] * positions
    return AxisTaps(tuple(numbers), tuple(by_position))


def tap_sets_at_any_size(
    kernel: int, stride: int, before: int = 0, after: int = 0, dilation: int = 1
) -> tuple[Pair, ...]:
    """The tap sets along an axis that some size of the image meets, sorted.

    In an image that the kernel fits into, no window lacks taps on both sides; what windows lack on
    the far side repeats every `stride` sizes.
    """
    reach = dilation * (kernel - 1) + 1
    found = {
        taps
        for size in range(1, reach + stride)
        for taps, _ in tap_stretches(size, kernel, stride, before, after, dilation)
    }
    return tuple(sorted(found))


def tap_stretches(
    size: int, kernel: int, stride: int, before: int = 0, after: int = 0, dilation: int = 1
) -> Iterator[tuple[Pair, int]]:
    """Each stretch of positions whose taps are the same: those taps, and how many positions.

    Only (0, 0) may come several times. Each step goes to where a tap comes into the image or
    leaves it, so an axis costs about as many steps as it has tap sets.
    """
    positions = window_count(size, kernel, stride, before, after, dilation)
    position = 0
    while position < positions:
        start = position * stride - before
        first = max(0, -(start // dilation))  # rounded up
        last = max(0, (size - 1 - start) // dilation + 1)
        starts = [positions * stride - before]
        if first > 0:  # tap first - 1 comes to pixel 0
            starts.append(-(min(first, kernel) - 1) * dilation)
        if last > 0:  # tap last - 1 leaves the last pixel
            starts.append(size - (min(last, kernel) - 1) * dilation)
        following = min(positions, -((-min(starts) - before) // stride))
        yield taps_inside(size, kernel, start, dilation), following - position
        position = following


def taps_inside(size: int, kernel: int, start: int, dilation: int) -> Pair:
    """Taps t with 0 ≤ start + t·dilation < size, as [first, last)."""
    first = max(0, -(start // dilation))  # rounded up
    last = min(kernel, (size - 1 - start) // dilation + 1)
    return (first, last) if first < last else (0, 0)
