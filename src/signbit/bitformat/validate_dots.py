"""Validity of map (a pointwise node has it too), and of what only a binary_conv makes of its dots:
sums, shift by border."""

from __future__ import annotations

from signbit.bitformat.borders import border_patterns, has_border_shift
from signbit.bitformat.checks import ConstantTable, require
from signbit.bitformat.graph import Node, SignSums, TensorSpec

__all__ = ["check_border_shift", "check_map", "check_sums", "reals_decide"]

Shape = tuple[int, int, int]


def reals_decide(node: Node, constants: ConstantTable) -> bool:
    """Whether a binary_conv's dots are not its values, so that no threshold compares them."""
    parts = (node.map, node.sums)
    return any(part is not None for part in parts) or has_border_shift(node, constants.arrays)


def check_map(node: Node, tensor: TensorSpec, shape: Shape, where: str) -> None:
    """Check that a node of this output shape may multiply its values with this tensor."""
    _check_operand(node, tensor, (*shape[:2], 1), where, where)


def check_sums(
    node: Node,
    sums: SignSums,
    tensor: TensorSpec,
    shape: Shape,
    constants: ConstantTable,
    where: str,
) -> None:
    """Check that a binary_conv of this output shape may add this tensor, and with which scale."""
    _check_operand(node, tensor, (*shape[:2], node.groups or 1), where, f"{where}.tensor")
    constants.per_channel(sums.scale, ("F32",), shape[2], f"{where}.scale")


def check_border_shift(
    node: Node, source: TensorSpec, channels: int, constants: ConstantTable, where: str
) -> None:
    """Check a shift of three dimensions against the patterns that the windows meet."""
    assert node.shift is not None
    require(node.pool is None, where, "by border does not go with pool")
    array = constants.take(node.shift, ("F32",), where)
    rows, columns = border_patterns(node, source.height, source.width)
    expected = (len(rows.taps), len(columns.taps), channels)
    require(
        array.shape == expected,
        where,
        f"{node.shift!r} must have shape {expected} or ({channels},), has {array.shape}",
    )


def _check_operand(node: Node, tensor: TensorSpec, expected: Shape, where: str, of: str) -> None:
    require(node.pool is None, where, "does not go with pool")
    require(tensor.kind == "real", of, f"must be real, is {tensor.kind}")
    require(tensor.shape == expected, of, f"{tensor.name!r} must be {expected}, is {tensor.shape}")
