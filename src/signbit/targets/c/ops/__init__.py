"""What each operation computes at one pixel, as C, found by the operation's name."""

from collections.abc import Callable, Mapping

from signbit.bitformat.by_name import functions_by_name
from signbit.targets.c.site import Body, Site

__all__ = ["OPERATIONS"]

OPERATIONS: Mapping[str, Callable[[Site], Body]] = functions_by_name(
    __name__, __path__, "OPERATIONS"
)
"""Operation → (its node) → what it computes"""
