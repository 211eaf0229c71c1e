"""Border patterns: which rows and columns of a kernel lie inside the image, by output position.

A shift by border has one value for each pair of patterns and channel (docs/format.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from signbit.bitformat.checks import Array
from signbit.bitformat.graph import Node, Pair, output_size

__all__ = ["AxisPatterns", "axis_patterns", "border_patterns", "has_border_shift"]


@dataclass(frozen=True)
class AxisPatterns:
    """The patterns of one axis, numbered in the order of their first appearance.

    taps: of each pattern, the kernel's taps [first, last) that lie inside the image, (0, 0) for
    none. by_position: the number of the pattern at each output position.
    """

    taps: tuple[Pair, ...]
    by_position: tuple[int, ...]


def axis_patterns(
    size: int, kernel: int, stride: int, padding: int, dilation: int = 1
) -> AxisPatterns:
    """The patterns that windows meet along an axis of an image of this size."""
    numbers: dict[Pair, int] = {}
    positions = output_size(size, kernel, stride, padding, dilation)
    by_position = [
        numbers.setdefault(
            _taps_inside(size, kernel, position * stride - padding, dilation), len(numbers)
        )
        for position in range(positions)
    ]
    return AxisPatterns(tuple(numbers), tuple(by_position))


def _taps_inside(size: int, kernel: int, start: int, dilation: int) -> Pair:
    """Taps t with 0 ≤ start + t·dilation < size, as [first, last)."""
    first = max(0, -(start // dilation))  # rounded up
    last = min(kernel, (size - 1 - start) // dilation + 1)
    return (first, last) if first < last else (0, 0)


def border_patterns(node: Node, height: int, width: int) -> tuple[AxisPatterns, AxisPatterns]:
    """The row and column patterns of a convolution whose input has this size."""
    assert node.kernel is not None
    assert node.stride is not None
    padding, dilation = node.padding or (0, 0), node.dilation or (1, 1)
    return (
        axis_patterns(height, node.kernel[0], node.stride[0], padding[0], dilation[0]),
        axis_patterns(width, node.kernel[1], node.stride[1], padding[1], dilation[1]),
    )


def has_border_shift(node: Node, constants: Mapping[str, Array]) -> bool:
    """Whether a node's shift depends on the border: a binary_conv's of three dimensions."""
    if node.op != "binary_conv" or node.shift is None or node.shift not in constants:
        return False
    return constants[node.shift].ndim == 3
