"""Validity of a node's epilogue: constants per channel, shortcut, activation, sign outputs."""

from __future__ import annotations

import numpy as np

from signbit.bitformat.borders import has_border_shift
from signbit.bitformat.checks import ConstantTable, pair_in_range, require, value_in_range
from signbit.bitformat.graph import (
    ACTIVATIONS,
    MAX_CHANNELS,
    MAX_SIZE,
    Node,
    Shortcut,
    SignOutput,
    TensorSpec,
)
from signbit.bitformat.int16_stem import has_integer_sums
from signbit.bitformat.validate_dots import check_border_shift, reals_decide

__all__ = ["check_epilogue", "check_shortcut"]

_SLOPES = {"slope": ("prelu", "maxout"), "positive_slope": ("maxout",)}


def check_epilogue(
    node: Node, source: TensorSpec, channels: int, constants: ConstantTable, where: str
) -> None:
    """Check all of a node's epilogue but its shortcut, for this many output channels."""
    require((node.scale is None) == (node.shift is None), where, "scale and shift go together")
    border_shift = has_border_shift(node, constants.arrays)
    if border_shift:
        check_border_shift(node, source, channels, constants, f"{where}.shift")
    for key in ("scale", "shift", "slope", "positive_slope", "offset"):
        name = getattr(node, key)
        if name is not None and not (key == "shift" and border_shift):
            constants.per_channel(name, ("F32",), channels, f"{where}.{key}")
    require(
        node.activation is None or node.activation in ACTIVATIONS,
        f"{where}.activation",
        f"must be one of {', '.join(ACTIVATIONS)}, is {node.activation!r}",
    )
    for key, owners in _SLOPES.items():
        require(
            (getattr(node, key) is not None) == (node.activation in owners),
            f"{where}.{key}",
            f"goes with the activation {' or '.join(owners)}, and only with it",
        )
    require(bool(node.outputs), where, "has neither real nor signs")
    for index, output in enumerate(node.signs):
        _check_signs(node, source, output, channels, constants, f"{where}.signs[{index}]")
    if node.op == "max_pool" and source.kind == "bits":
        others = (node.scale, node.shortcut, node.activation, node.offset, node.real)
        require(
            all(part is None for part in others),
            where,
            "max_pool of bits has signs and no other part of an epilogue",
        )


def _check_signs(
    node: Node,
    source: TensorSpec,
    output: SignOutput,
    channels: int,
    constants: ConstantTable,
    where: str,
) -> None:
    integers = has_integer_sums(node, constants.arrays) and not reals_decide(node, constants)
    kinds = ("F32", "I32") if integers else ("F32",)
    threshold = constants.per_channel(output.threshold, kinds, channels, f"{where}.threshold")
    if node.op == "max_pool" and source.kind == "bits":
        require(
            not threshold.astype(np.float32).any(),
            f"{where}.threshold",
            "must be 0 for max_pool of bits",
        )
    flip = constants.per_channel(output.flip, ("U8",), channels, f"{where}.flip")
    require(bool((flip.astype(np.uint8) <= 1).all()), f"{where}.flip", "must be 0 or 1")


def check_shortcut(
    shortcut: Shortcut, tensor: TensorSpec, shape: tuple[int, int, int], where: str
) -> None:
    """Check that a shortcut from this tensor covers a node's output (height, width, channels)."""
    require(tensor.kind == "real", f"{where}.tensor", f"must be real, is {tensor.kind}")
    value_in_range(shortcut.offset, 0, MAX_CHANNELS, f"{where}.offset")
    require(not shortcut.repeat or shortcut.offset == 0, f"{where}.offset", "must be 0 with repeat")
    pair_in_range(shortcut.stride, 0, MAX_SIZE, f"{where}.stride")
    if shortcut.stride == (0, 0):
        require(
            (tensor.height, tensor.width) == (1, 1),
            f"{where}.stride",
            f"[0, 0] broadcasts a 1×1 tensor, {tensor.name!r} is {tensor.shape}",
        )
        return
    require(min(shortcut.stride) > 0, f"{where}.stride", "must be [0, 0] or positive")
    last = [(shape[axis] - 1) * shortcut.stride[axis] for axis in (0, 1)]
    require(
        last[0] < tensor.height and last[1] < tensor.width,
        f"{where}.stride",
        f"reads outside {tensor.name!r}, which is {tensor.shape}",
    )
