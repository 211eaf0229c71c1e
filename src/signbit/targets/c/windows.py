"""Loops over the taps of a window, in the format's order."""

from __future__ import annotations

from collections.abc import Sequence

from signbit.bitformat.graph import Node, Pair
from signbit.bitformat.shapes import dilation_of
from signbit.targets.c.text import block

__all__ = ["over_taps"]


def over_taps(
    node: Node,
    size: Pair,
    inside: Sequence[str],
    outside: Sequence[str] = (),
    at: tuple[str, str] = ("y", "x"),
    kernel: Pair | None = None,
) -> list[str]:
    """Run `inside` for each tap (ky, kx) that lies in the image, `outside` for the others.

    size: of the image. Inside, `from` is the number of the tap's pixel. at: expressions of the
    window's row and column. kernel: another than the node's.
    """
    keys = {key.name for key in node.rule.keys}
    kernel = kernel or node["kernel"]
    stride = node["stride"] if "stride" in keys else (1, 1)
    padding = node["padding"] if "padding" in keys else (0, 0, 0, 0)
    starts = [_start(at[axis], stride[axis], padding[axis]) for axis in (0, 1)]
    dilation = dilation_of(node)
    position = [
        f"{start} + ky" if dilation[0] == 1 else f"{start} + ky * {dilation[0]}"
        for start in starts[:1]
    ] + [
        f"{start} + kx" if dilation[1] == 1 else f"{start} + kx * {dilation[1]}"
        for start in starts[1:]
    ]
    rows, columns = (f"const int32_t i{a} = {p};" for a, p in zip("yx", position, strict=True))
    here = f"const int32_t from = iy * {size[1]} + ix;"
    reaches = any(padding) or ("ceil" in keys and node["ceil"])
    if not reaches:
        taps = [here, *inside]
    else:
        test = f"if (iy >= 0 && iy < {size[0]} && ix >= 0 && ix < {size[1]})"
        taps = block(test, here, inside)
        if outside:
            taps[-1] = "} else {"
            taps += [*(f"  {line}" for line in outside), "}"]
    across = block(f"for (int32_t kx = 0; kx < {kernel[1]}; ++kx)", columns, taps)
    return block(f"for (int32_t ky = 0; ky < {kernel[0]}; ++ky)", rows, across)


def _start(index: str, stride: int, before: int) -> str:
    """The first tap's row or column, as an expression."""
    start = index if stride == 1 else f"{index} * {stride}"
    return f"{start} - {before}" if before else start
