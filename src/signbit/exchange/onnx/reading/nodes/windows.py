"""What convolutions and pools have in common: the rows and columns around a map."""

from __future__ import annotations

from collections.abc import Sequence

from signbit.exchange.onnx.reading.call import Call
from signbit.exchange.onnx.reading.values import Real

__all__ = ["both_sides", "padded", "sides_of"]

Sides = tuple[int, int, int, int]
"""top, left, bottom, right"""


def sides_of(
    call: Call,
    size: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int] = (1, 1),
) -> Sides:
    """The rows and columns around a map of `size`, by `pads` or by `auto_pad`."""
    kind = call.attribute("auto_pad", "NOTSET")
    if kind == "VALID":
        return 0, 0, 0, 0
    if kind in ("SAME_UPPER", "SAME_LOWER"):
        spans = [step * (width - 1) + 1 for width, step in zip(kernel, dilation, strict=True)]
        lacking = [
            max(0, (-(-side // step) - 1) * step + span - side)
            for side, span, step in zip(size, spans, stride, strict=True)
        ]
        less, more = [each // 2 for each in lacking], [each - each // 2 for each in lacking]
        first, last = (less, more) if kind == "SAME_UPPER" else (more, less)
        return first[0], first[1], last[0], last[1]
    sides = call.pairs("pads", (0, 0, 0, 0))
    if kind not in ("NOTSET", "") or len(sides) != 4 or min(sides) < 0:
        call.refuse(f"pads by {list(sides)}, {kind}", "four sides, none negative, are read")
    return sides[0], sides[1], sides[2], sides[3]


def both_sides(sides: Sides) -> tuple[int, int] | None:
    """(rows, columns) on both sides alike; None where they differ."""
    top, left, bottom, right = sides
    return (top, left) if (top, left) == (bottom, right) else None


def padded(call: Call, value: Real, sides: Sides, fill: float = 0.0) -> Real:
    """A map with such rows and columns around it."""
    top, left, bottom, right = sides
    args = {"sides": [left, right, top, bottom], "value": fill}
    return call.emit("pad", value, args=args)
