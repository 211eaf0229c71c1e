"""The compiler's graph between PyTorch and the file: plain data, no torch.

Its nodes are the file's (docs/format.md), with names for tensors and arrays for constants. Some
operations are the compiler's own (operations.py); passes remove most of them, lowering the rest.
"""

from __future__ import annotations

from signbit.bitformat.graph import Step
from signbit.compiler.ir.graph import LOGITS, Graph
from signbit.compiler.ir.node import NOWHERE, FloatArray, Node, Origin, Place, Shape, refuse
from signbit.compiler.ir.operations import HALVES, IMAGE, INPUTS, OWN_OPERATIONS
from signbit.compiler.ir.pixel_values import MOST_PIECES, PixelValues
from signbit.compiler.ir.show import text
from signbit.compiler.ir.signs import SignRule
from signbit.compiler.ir.steps import (
    constants_of,
    is_addition,
    is_affine,
    is_by_channel,
    is_linear,
    is_plain,
    is_pooled,
    reads,
    same,
)
from signbit.compiler.ir.verify import verify

__all__ = [
    "HALVES",
    "IMAGE",
    "INPUTS",
    "LOGITS",
    "MOST_PIECES",
    "NOWHERE",
    "OWN_OPERATIONS",
    "FloatArray",
    "Graph",
    "Node",
    "Origin",
    "PixelValues",
    "Place",
    "Shape",
    "SignRule",
    "Step",
    "constants_of",
    "is_addition",
    "is_affine",
    "is_by_channel",
    "is_linear",
    "is_plain",
    "is_pooled",
    "reads",
    "refuse",
    "same",
    "text",
    "verify",
]
