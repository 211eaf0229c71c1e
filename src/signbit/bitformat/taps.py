"""Which taps of a kernel lie inside the image, by output position.

A term that depends on the border, such as what a missing tap owes a weight offset, is stored for
each set of taps (docs/format.md), so that it holds at any image size.
"""

from __future__ import annotations

from dataclasses import dataclass

from signbit.bitformat.graph import Pair

__all__ = ["AxisTaps", "axis_taps", "taps_inside", "window_count"]


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
    positions = window_count(size, kernel, stride, before, after, dilation)
    by_position = [
        numbers.setdefault(
            taps_inside(size, kernel, position * stride - before, dilation), len(numbers)
        )
        for position in range(positions)
    ]
    return AxisTaps(tuple(numbers), tuple(by_position))


def taps_inside(size: int, kernel: int, start: int, dilation: int) -> Pair:
    """Taps t with 0 ≤ start + t·dilation < size, as [first, last)."""
    first = max(0, -(start // dilation))  # rounded up
    last = min(kernel, (size - 1 - start) // dilation + 1)
    return (first, last) if first < last else (0, 0)
