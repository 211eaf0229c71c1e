"""What a sign says of a value before its threshold is known: (x < level) XOR negated."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from signbit.compiler.ir.node import Node

__all__ = ["SignRule"]

Bools = npt.NDArray[np.bool_]


class SignRule(NamedTuple):
    """Which values of each channel are negative ones: those below `level`, or all others."""

    level: npt.NDArray[np.float32] | None = None
    """(channels,); None is 0"""
    negated: npt.NDArray[np.uint8] | None = None
    """(channels,): 1 where all others are; None is 0"""

    @classmethod
    def of(cls, sign: Node) -> SignRule:
        """A sign's rule."""
        return cls(sign["level"], sign["negated"])

    @property
    def is_plain(self) -> bool:
        """Whether it is signbit's sign: −1 where x < 0."""
        return self.level is None and self.negated is None

    def negative(self, values: npt.NDArray[Any], part: slice = slice(None)) -> Bools:
        """Which values (channels, …) are −1; part: whose channels they are."""
        shape = (-1, *(1,) * (values.ndim - 1))
        below: Bools = values < (0 if self.level is None else self.level[part].reshape(shape))
        return below if self.negated is None else below ^ (self.negated[part].reshape(shape) == 1)
