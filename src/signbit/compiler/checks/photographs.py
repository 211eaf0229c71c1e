"""How a photograph becomes an input, as `compile_model` is told: checked against the input."""

from __future__ import annotations

from signbit.bitformat.graph import INTERPOLATIONS, Pair, Resize
from signbit.bitformat.schema import plain_resize, read_resize
from signbit.bitformat.table import LIMITS
from signbit.compiler.checks.given_inputs import refused, whole_numbers
from signbit.errors import CompileError, ModelFileError

__all__ = ["checked_rule", "rule_of_side"]


def rule_of_side(shorter_side: int | None, interpolation: str, size: Pair) -> Resize:
    """The rule that scales the shorter side, by default to the larger side of (height, width)."""
    if interpolation not in INTERPOLATIONS:
        raise refused("interpolation", f"must be one of {', '.join(INTERPOLATIONS)}", interpolation)
    if shorter_side is None:
        return Resize(max(size), interpolation)
    sides = whole_numbers(shorter_side)
    if len(sides) != 1 or not 1 <= sides[0] <= LIMITS["size"]:
        raise refused(
            "resize_shorter_side",
            f"must be a whole number of pixels from 1 to {LIMITS['size']:,}",
            shorter_side,
        )
    if sides[0] < min(size):
        raise CompileError(
            f"resize_shorter_side: {sides[0]} does not cover the input of {size[0]}×{size[1]}, so "
            f"no photograph would fit; the usual one is {max(size)}"
        )
    return Resize(sides[0], interpolation)


def checked_rule(rule: Resize, size: Pair, name: str = "resize") -> Resize:
    """The rule, if a file can hold it and photographs cover the input; name: for messages."""
    if not isinstance(rule, Resize):
        raise refused(name, "must be a Resize", rule)
    try:
        checked = read_resize(plain_resize(rule), name)
    except (ModelFileError, TypeError) as error:
        raise CompileError(str(error)) from None
    both = checked.both_sides or size
    if (checked.shorter_side or min(size)) < min(size) or both[0] < size[0] or both[1] < size[1]:
        raise CompileError(
            f"{name}: does not cover the input of {size[0]}×{size[1]}, so no photograph would fit"
        )
    return checked
