"""Maps of another size whose pixels lie between the old ones: each axis times a constant matrix.

The matrix is what PyTorch makes of the pixels of the identity. The axis becomes the channels, a
convolution of single pixels multiplies, and the axis goes back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import numpy.typing as npt
import torch

from signbit.compiler.ir import Node
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS", "resized"]

Matrix = npt.NDArray[np.float64]


def _interpolated(call: Call) -> Node:
    name = "input" if "input" in call.arguments else "self"
    node = call.real_map(name)
    count = len(call.sizes()) - 1
    if call.short.endswith("_aa") and 1 in (*node.shape[:2], *call.shape()[:2]):
        # PyTorch takes a pixel then, not a mean of several.
        raise call.refuse("smooths a map of one row or column", "leave out antialias=True")
    matrices = [np.eye(node.shape.height), np.eye(node.shape.width)]
    for axis in range(count):
        matrices[2 - count + axis] = _matrix(call, axis, count, node.shape[2 - count + axis])
    return resized(call, node, matrices)


def _matrix(call: Call, axis: int, count: int, size: int) -> Matrix:
    """What PyTorch makes of an axis of this size, (new, old); count: how many axes there are.

    Others have two pixels and keep them, as smoothing takes another way where there is one.
    """
    sizes, factors = (call.arguments[name] for name in ("output_size", "scale_factors"))
    old = [size if k == axis else 2 for k in range(count)]
    new = None if sizes is None else [sizes[k] if k == axis else 2 for k in range(count)]
    scales = (
        None if factors is None else [float(factors[k]) if k == axis else 1.0 for k in range(count)]
    )
    pixels = torch.eye(size).reshape(size, 1, *(n if k == axis else 1 for k, n in enumerate(old)))
    function = cast("Callable[..., torch.Tensor]", call.fx.target)
    rows = function(
        pixels.expand(size, 1, *old).contiguous(), new, call.arguments["align_corners"], scales
    )
    one = rows.movedim(2 + axis, 1).reshape(size, rows.shape[2 + axis], -1)[..., 0]
    matrix: Matrix = one.T.double().numpy()
    return matrix


def resized(call: Call, node: Node, matrices: list[Matrix]) -> Node:
    """A value whose rows are multiplied by one matrix, (new, old), and its columns by the other."""
    if call.tracer.any_size:
        raise call.refuse(
            "computes new pixels between the old ones, which fixes the size of the images",
            "repeat pixels: mode='nearest' with a whole number as scale_factor",
        )
    factor = len(matrices[0]), len(matrices[1])
    if node.shape[:2] == (1, 1) != factor and all((matrix == 1).all() for matrix in matrices):
        return call.add("upsample", node, factor=factor)
    columns, rows = ("WC",), ("HW", "WC")
    for pairs, matrix in ((columns, matrices[1]), (rows, matrices[0])):
        if matrix.shape[0] != matrix.shape[1] or (matrix != np.eye(len(matrix))).any():
            turned = call.exchanged(node, pairs)
            shape = turned.shape._replace(channels=len(matrix))
            weight = matrix[:, None, None, :]
            made = call.add("real_conv", turned, part="axis", shape=shape, weight=weight)
            node = call.exchanged(made, pairs[::-1])
    return call.yields(node)


MAPPINGS = dict.fromkeys(
    (
        "aten._upsample_bicubic2d_aa.vec",
        "aten._upsample_bilinear2d_aa.vec",
        "aten.upsample_bicubic2d.vec",
        "aten.upsample_bilinear2d.vec",
        "aten.upsample_linear1d.vec",
    ),
    _interpolated,
)
