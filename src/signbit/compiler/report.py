"""The compile report: a line for each layer, binary, or real and why; in a notebook a table."""

from __future__ import annotations

import textwrap

from signbit.compiler.count import ModelCost
from signbit.compiler.verification.agreement import Agreement
from signbit.html import shown

__all__ = ["html", "layer_kinds", "report", "totals"]

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


def totals(cost: ModelCost) -> list[tuple[str, str]]:
    """The file, its parameters and its operations: what each is, and how many."""
    return [
        ("file", f"{cost.bytes:,} bytes; its parameters in float32 {cost.float32_bytes:,}"),
        ("parameters", f"{cost.parameters:,}, {cost.binary_parameters:,} of them binary"),
        ("operations", f"{cost.bops:,} BOPs and {cost.flops:,} FLOPs for an image"),
    ]


def html(cost: ModelCost, notice: str = "", agreement: Agreement | None = None) -> str:
    """What the network costs, and each layer: binary, or real and why."""
    facts = totals(cost)
    if agreement is not None:
        same = agreement.end_to_end.images - agreement.end_to_end.disagreements
        facts.append(
            ("agreement", f"{same:,} of {agreement.end_to_end.images:,} images as in PyTorch")
        )
    if notice:
        facts.append(("notice", notice))
    rows = [
        (
            layer.name,
            layer.op,
            layer.why or layer.kind if layer.weight else "",
            "×".join(map(str, layer.output)),
            *(f"{figure:,}" for figure in (layer.bops, layer.flops, layer.bytes)),
        )
        for layer in cost.layers
    ]
    heads = ["layer", "operation", "binary, or real and why", "output", "BOPs", "FLOPs", "bytes"]
    return shown("A compiled network", facts, heads, rows, numbers=3)
