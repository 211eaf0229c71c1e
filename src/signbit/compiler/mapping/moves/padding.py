"""What is around a value: constant rows and columns, which `absorb_pads` takes, zero channels, and
rows and columns of its own."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F

from signbit.bitformat.graph import Sides, added_sides
from signbit.compiler.axes import order_of
from signbit.compiler.ir import Node
from signbit.compiler.mapping.moves.joins import picked
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS", "NO_SIDES", "zeros_around_signs"]

NO_SIDES: Sides = (0, 0, 0, 0)


def zeros_around_signs(call: Call, value: Node) -> tuple[Node, Sides]:
    """Signs and the zeros that are padded around them; of another value itself and none."""
    graph, node, sides = call.tracer.graph, value, NO_SIDES
    while node.op == "pad" and not node.is_sign and not node["value"].any():
        node, sides = graph[node.input], added_sides(sides, node["padding"])
    if any(sides) and node.op == "identity" and not node.steps and graph[node.input].is_sign:
        return graph[node.input], sides
    return value, NO_SIDES


def _pad(call: Call) -> Node:
    if call.arguments.get("mode", "constant") != "constant":
        return _own_pixels(call)
    value = float(call.arguments["value"] or 0)
    before, after = _amounts(call)
    if min(*before, *after) < 0:
        raise call.refuse(
            "cuts rows, columns or channels off (a negative amount)",
            "the engine takes channels (x[:, a:b]): let the layer in front pad less",
        )
    if math.isnan(value) or value == math.inf:
        raise call.refuse(f"pads with {value}", "only max pooling ignores a value, which is −inf")
    sides = (before[1], before[2], after[1], after[2])
    source = _with_pixels(call, call.value("self"), sides, value)
    if before[0] or after[0]:
        return _with_channels(call, source, before[0], value)
    return source


def _amounts(call: Call) -> tuple[list[int], list[int]]:
    """Before and after: channels, rows, columns. PyTorch has them from the last dimension on."""
    axes = order_of(call.arguments["self"])
    amounts = list(call.arguments["pad"])
    dimensions = len(call.sizes("self"))
    if not all(isinstance(amount, int) for amount in amounts):
        raise call.refuse(f"pads by amounts that are not fixed: {amounts}")
    if any(amounts[2 * dimensions :]):
        raise call.refuse("pads the images of a batch", "the engine answers for each of them")
    amounts += [0] * (2 * dimensions - len(amounts))
    before, after = (dict(zip(axes, amounts[k::-2], strict=True)) for k in (-2, -1))
    return [before.get(axis, 0) for axis in "CHW"], [after.get(axis, 0) for axis in "CHW"]


def _with_pixels(call: Call, source: Node, sides: Sides, value: float) -> Node:
    if not any(sides):
        return source
    if abs(value) != 1:
        # Anything else around signs makes reals of them.
        source = call.as_real(source)
    height, width, channels = source.shape
    top, left, bottom, right = sides
    shape = source.shape._replace(height=top + height + bottom, width=left + width + right)
    part = None if shape == call.shape() else "rows"
    values = np.full(channels, value)
    return call.add("pad", source, part=part, shape=shape, padding=sides, value=values)


def _with_channels(call: Call, source: Node, before: int, value: float) -> Node:
    if value:
        raise call.refuse(
            f"adds channels of {value}",
            "the engine adds zero channels, and rows and columns of any value",
        )
    # A zero is no sign: what signs and zeros make are reals.
    return call.add("view", call.as_real(source), zeros=before)


def _own_pixels(call: Call) -> Node:
    """Rows and columns of the map itself around it: reflected, replicated or circular."""
    before, after = _amounts(call)
    if before[0] or after[0]:
        raise call.refuse(
            "pads with channels of the map itself", "take channels, x[:, a:b], and torch.cat(…, 1)"
        )
    named = "reflect" if call.short.startswith("reflect") else "replicate"
    mode = call.arguments.get("mode", named)
    node = call.value("self")
    for dim in (0, 1):
        sides = before[1 + dim], after[1 + dim]
        every = torch.arange(node.shape[dim], dtype=torch.float64)[None, None]
        if any(sides):
            node = picked(call, node, dim, F.pad(every, sides, mode)[0, 0].int().tolist())
    return call.yields(node)


MAPPINGS = {
    "aten.constant_pad_nd.default": _pad,
    "aten.pad.default": _pad,
    "aten.reflection_pad1d.default": _own_pixels,
    "aten.reflection_pad2d.default": _own_pixels,
    "aten.replication_pad1d.default": _own_pixels,
    "aten.replication_pad2d.default": _own_pixels,
}
