"""The int16 stem: a convolution of uint8 pixels with int16 weights, whose sums are exact in int32.

Owns its limits, how a node of a file is known to be one, and the check of its weights.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from signbit.bitformat.checks import Array, require
from signbit.bitformat.graph import Node

__all__ = [
    "MAX_PIXEL",
    "MAX_SUM",
    "MAX_WEIGHT",
    "REFUSAL",
    "check_weight",
    "has_integer_sums",
    "is_int16",
]

MAX_PIXEL = 255
MAX_WEIGHT = 8191
"""The largest magnitude of a weight: sums of up to four weights stay in 16 bits, which fast
convolution algorithms need."""
MAX_SUM = (1 << 31) - 1
"""The largest MAX_PIXEL · Σ|weight| of a filter, so that no sum leaves 32 bits."""

REFUSAL = "this model takes uint8 pixels, as it has an int16 stem or a table of pixels"
"""What every engine says to float32 images then."""

_INT16 = np.dtype(np.int16)


def is_int16(node: Node, constants: Mapping[str, Array]) -> bool:
    """Whether a node is a convolution of pixels with int16 weights."""
    return "weight" in node.keys and constants[str(node["weight"])].dtype == _INT16


def has_integer_sums(node: Node, constants: Mapping[str, Array]) -> bool:
    """Whether a node's operation yields int32 (which thresholds and `#dots` know), not float32."""
    return node.op == "binary_conv" or is_int16(node, constants)


def check_weight(weight: Array, where: str) -> None:
    """Check the values of int16 weights (out, kh, kw, in / groups).

    `where` is their field. Raises ModelFileError.
    """
    magnitudes = np.abs(weight.astype(np.int64)).reshape(len(weight), -1)
    require(
        bool((magnitudes <= MAX_WEIGHT).all()),
        where,
        f"int16 weights must be −{MAX_WEIGHT} to {MAX_WEIGHT}",
    )
    require(
        bool((magnitudes.sum(axis=1) <= MAX_SUM // MAX_PIXEL).all()),
        where,
        f"{MAX_PIXEL} times the sum of a filter's magnitudes must be below {MAX_SUM + 1}",
    )
