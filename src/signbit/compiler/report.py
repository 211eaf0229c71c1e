"""The compile report in words: a line for each layer, binary, or real and why."""

from __future__ import annotations

import textwrap

from signbit.compiler.count import ModelCost

__all__ = ["layer_kinds", "report"]

_WIDTH = 80
_NAME = 34
"""Columns of a name at most; the text of a layer with a longer one begins on the next line."""


def layer_kinds(cost: ModelCost) -> list[tuple[str, str]]:
    """Name of each layer that has weights, and "binary" or why it is not."""
    return [(layer.name, layer.why or layer.kind) for layer in cost.layers if layer.weight]


def report(cost: ModelCost, notice: str = "") -> str:
    """Lines of at most 80 columns where names allow; the notice, if any, comes first."""
    kinds = layer_kinds(cost)
    width = min(max((len(name) for name, _ in kinds), default=0), _NAME)
    indent = " " * (width + 2)
    lines = textwrap.wrap(notice, _WIDTH)
    for name, kind in kinds:
        start = f"{name:<{width}}  "
        if len(name) > width:
            lines.append(name)
            start = indent
        lines += textwrap.wrap(
            kind, _WIDTH, initial_indent=start, subsequent_indent=indent, break_long_words=False
        )
    return "\n".join(lines)
