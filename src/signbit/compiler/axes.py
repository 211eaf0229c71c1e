"""Which of a tensor's dimensions, as PyTorch has it, are a map's height, width and channels.

The compiler's values are (height, width, channels). A model has them in an order of its own.
Without the batch it is "CHW" for maps, "CW" for signals (N, C, L), "WC" for tokens (N, T, F) and
"C" for vectors. An axis that is left out has the size 1. So a transposition moves nothing: it is
another order of the same value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt
from torch import Tensor
from torch.fx import Node as FxNode

from signbit.compiler.ir import Shape

__all__ = [
    "USUAL",
    "after_exchanges",
    "as_map",
    "exchanges",
    "fitting",
    "order_of",
    "pending",
    "put_order",
    "put_pending",
    "reordered",
    "rows_of",
    "shape_in",
    "transposed",
    "why_no_output",
]

_KEY = "signbit_order"
_PENDING = "signbit_view"

USUAL = ("", "C", "CW", "CHW")
"""By the number of dimensions: how PyTorch's own layers have them."""


def order_of(fx: FxNode) -> str:
    """The order of an exported value; the usual one where none was put; "" where there is none."""
    put = fx.meta.get(_KEY)
    if put is not None:
        return str(put)
    value = fx.meta.get("val")
    value = value[0] if isinstance(value, tuple | list) else value
    rank = value.dim() - 1 if isinstance(value, Tensor) else 0
    return USUAL[rank] if rank < len(USUAL) else ""


def put_order(fx: FxNode, order: str) -> None:
    """Say which order an exported value has."""
    fx.meta[_KEY] = order


def pending(fx: FxNode) -> Any:
    """The view, or views, of an exported value that has no such order yet; None of any other."""
    return fx.meta.get(_PENDING)


def put_pending(fx: FxNode, view: Any) -> None:
    """Say that an exported value waits as such a view; None: that it does not."""
    fx.meta[_PENDING] = view


def why_no_output(fx: FxNode, shape: Shape) -> tuple[str, str]:
    """The reason why an exported value of this shape cannot be the network's output, and the cure.

    Empty where it can: its rows come before its columns, and three dimensions are the most.
    """
    if pending(fx) is not None:
        sizes = tuple(fx.meta["val"].shape)
        return f"is the model's output, {sizes}", "the engine knows (N, C, H, W): x.flatten(1)"
    if "WH" in order_of(fx).replace("C", "") and min(shape[:2]) > 1:
        return (
            "has rows and columns exchanged",
            "the engine keeps their order: exchange its answers",
        )
    return "", ""


def shape_in(sizes: Sequence[int], order: str) -> Shape:
    """The shape of a value of these sizes."""
    height, width, channels = (
        sizes[order.index(axis)] if axis in order else 1 for axis in ("H", "W", "C")
    )
    return Shape(height, width, channels)


def fitting(sizes: Sequence[int], order: str, wanted: str) -> bool:
    """Whether a value of the one order is one of the other, too: but for dimensions of size 1."""
    same = (size == 1 or a == b for size, a, b in zip(sizes, order, wanted, strict=False))
    return len(order) == len(wanted) and all(same)


def reordered(before: Sequence[int], order: str, after: Sequence[int]) -> str | None:
    """The order behind a reshape that adds and drops dimensions of size 1; None of any other."""
    if tuple(before) == tuple(after):
        return order
    kept = [axis for size, axis in zip(before, order, strict=True) if size != 1]
    if [size for size in before if size != 1] != [size for size in after if size != 1]:
        return None
    others = iter([axis for axis in "CHW" if axis not in kept])
    if len(after) - len(kept) > 3 - len(kept):
        return None
    long = iter(kept)
    return "".join(next(long) if size != 1 else next(others) for size in after)


def transposed(order: str) -> str:
    """The order of the same dimensions where columns and channels have changed places."""
    return after_exchanges(order, ("WC",))


def after_exchanges(order: str, pairs: Sequence[str]) -> str:
    """The order of the same dimensions where these pairs of axes have changed places."""
    for pair in pairs:
        order = order.translate(str.maketrans(pair, pair[::-1]))
    return order


def exchanges(sizes: Sequence[int], order: str, wanted: str) -> tuple[str, ...] | None:
    """The fewest pairs, "WC" and "HW", that lead to an order by changing places; None by none."""
    every = ((), ("WC",), ("HW",), ("WC", "HW"), ("HW", "WC"), ("WC", "HW", "WC"))
    found = (each for each in every if fitting(sizes, after_exchanges(order, each), wanted))
    return next(found, None)


def rows_of(before: Sequence[int], order: str, after: Sequence[int]) -> tuple[int, str] | None:
    """Rows and order behind a reshape that joins rows to one, or parts one into rows; else None."""
    for long, new in (("CHW", "CW"), ("HWC", "WC")):
        at = long.index("H")
        if order == long and len(after) == 2:
            joined = (*before[:at], before[at] * before[at + 1], *before[at + 2 :])
            if joined == tuple(after):
                return 1, new
        if order == new and len(after) == 3:
            joined = (*after[:at], after[at] * after[at + 1], *after[at + 2 :])
            if joined == tuple(before):
                return after[at], long
    return None


def as_map(value: Tensor, order: str, size: tuple[int, int]) -> npt.NDArray[Any]:
    """A value of PyTorch's as (N, height, width, channels).

    size: height and width; a vector may be a map of that size, flattened in PyTorch's order.
    """
    if order == "C":
        value, order = value.reshape(len(value), -1, *size), "CHW"
    dimensions = [1 + order.index(axis) for axis in "HWC" if axis in order]
    mapped = value.permute(0, *dimensions).reshape(len(value), *size, -1)
    array: npt.NDArray[Any] = mapped.contiguous().numpy()
    return array
