"""Holds what one model does at two sizes of the images against each other.

First the exported programs: the same operations, with the same numbers. Then the graphs that the
compiler made of them, constants included.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.fx import Node as FxNode

from signbit.bitformat.graph import Node
from signbit.compiler.compiled import Compiled
from signbit.compiler.exporting.exported import origin_of
from signbit.compiler.sizes.operations import TAKE_SIZES

__all__ = ["graphs_differ", "has_fewer_maps", "names_of", "programs_differ"]


def programs_differ(ours: ExportedProgram, other: ExportedProgram) -> str:
    """Where the model does something else at the other size, in words; empty where it does not."""
    here, there = (list(program.graph.nodes) for program in (ours, other))
    names = {fx: fx.name for fx in here}
    for mine, theirs in zip(here, there, strict=False):
        if (mine.op, str(mine.target)) != (theirs.op, str(theirs.target)):
            return f"{origin_of(mine)}: is not called, {theirs.target} is"
        names[theirs] = mine.name
        if str(mine.target) not in TAKE_SIZES and _called(mine, names) != _called(theirs, names):
            return f"{origin_of(mine)}: is called with {_numbers(theirs)}, not {_numbers(mine)}"
    if len(here) != len(there):
        return f"the model: calls {len(there)} operations, not {len(here)}"
    return ""


def names_of(ours: ExportedProgram, other: ExportedProgram) -> dict[str, str]:
    """Name of a node -> its name in the other program, where both call the same operations.

    torch.export counts what it has thrown away, which depends on the size.
    """
    pairs = zip(ours.graph.nodes, other.graph.nodes, strict=True)
    return {mine.name: theirs.name for mine, theirs in pairs}


def _called(fx: FxNode, names: Mapping[FxNode, str]) -> Any:
    """The arguments of a call, with names for what other nodes yield."""
    return torch.fx.map_arg((fx.args, fx.kwargs), lambda node: names.get(node, ""))


def _numbers(fx: FxNode) -> Any:
    """The arguments that are numbers, in a form for people."""
    numbers = [each for each in (*fx.args, *fx.kwargs.values()) if not isinstance(each, FxNode)]
    return ", ".join(map(str, numbers)) or "nothing"


def has_fewer_maps(program: ExportedProgram, other: ExportedProgram) -> bool:
    """Whether a map of the program is a single pixel at the other size.

    A pixel that is read everywhere and one that is read in its place are then the same, so that the
    compiler may make another graph of it.
    """
    return any(
        not _is_pixel(mine) and _is_pixel(theirs)
        for mine, theirs in zip(program.graph.nodes, other.graph.nodes, strict=True)
    )


def _is_pixel(fx: FxNode) -> bool:
    value = fx.meta.get("val")
    return isinstance(value, Tensor) and value.dim() == 4 and tuple(value.shape[2:]) == (1, 1)


def graphs_differ(ours: Compiled, other: Compiled) -> str:
    """Where the graph of the other size begins to differ, in words; empty where it does not."""
    for here, there in zip(ours.graph.nodes, other.graph.nodes, strict=False):
        provenance = ours.node_provenance[here.name]
        place = f"{provenance.module or 'the model'} ({provenance.op})"
        if here != there:
            return f"{place}: {_what(here, there)}"
        for number in _constants(here):
            mine, theirs = (each.constants[str(number)] for each in (ours, other))
            if mine.dtype != theirs.dtype or not np.array_equal(mine, theirs):
                return f"{place}: has other constants"
    count, others = len(ours.graph.nodes), len(other.graph.nodes)
    return "" if count == others else f"the model: becomes {others} nodes, not {count}"


def _what(here: Node, there: Node) -> str:
    if (here.name, here.op) != (there.name, there.op):
        return f"becomes {there.op}, not {here.op}"
    for name in sorted({*here.keys, *there.keys}):
        mine, theirs = (each.keys.get(name, "none") for each in (here, there))
        if mine != theirs:
            return f"has the {name} {theirs}, not {mine}"
    return "is followed by other steps, or read by others"


def _constants(node: Node) -> Iterable[int]:
    """Numbers of the constants that a node uses."""
    yield from (node.keys[name] for name in node.rule.dtypes if name in node.keys)
    for step in node.steps:
        yield from (step.keys[name] for name in step.rule.dtypes if name in step.keys)
    for output in node.outputs:
        yield from (n for n in (output.threshold, output.flip) if n is not None)
