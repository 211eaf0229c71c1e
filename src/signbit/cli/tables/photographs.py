"""A file's rule for photographs, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signbit.bitformat.graph import Resize

__all__ = ["in_words"]


def in_words(rule: Resize) -> str:
    """How a photograph becomes an input, in a line."""
    if rule.letterbox is not None:
        how = f"scaled to lie inside, bars of {'/'.join(map(str, rule.letterbox))}"
    elif rule.both_sides is not None:
        how = f"scaled to {rule.both_sides[0]}×{rule.both_sides[1]}, the centre cut out"
    else:
        how = f"shorter side scaled to {rule.shorter_side}, the centre cut out"
    words = [how, rule.interpolation]
    if rule.aliased:
        words.append("without antialiasing")
    if rule.colours != "rgb":
        words.append(rule.colours.upper() if rule.colours == "bgr" else "made gray")
    return "; ".join(words)
