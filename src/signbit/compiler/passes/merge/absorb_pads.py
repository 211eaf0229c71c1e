"""Rows and columns of a constant around a value are the padding of what reads them.

    f(pad(x, v)) = pad(f(x), f(v))                     f maths by channel, or a sign
    conv(pad(x, v)) = conv(x), padded with v           pool(pad(x, v)) = pool(x), padded

A convolution pads with any value, or already pads with the same one; a binary one with −1 or +1. A
pool ignores what is outside: of a maximum that is a value below all others, of a mean that counts
its padding a zero. What else reads a pad reads a node that pads: a convolution that multiplies each
channel by 1.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.bitformat.graph import Node as FileNode
from signbit.bitformat.graph import added_sides
from signbit.bitformat.shapes import SHAPE_RULES
from signbit.compiler.checks.intervals import intervals
from signbit.compiler.ir import Graph, Node, SignRule, is_by_channel, refuse
from signbit.compiler.passes.signs.step_values import evaluate
from signbit.errors import ModelFileError

__all__ = ["absorb_pads"]

Values = npt.NDArray[np.float64]

_PAD_SIGNS = {-1.0: "negative", 1.0: "positive"}


def absorb_pads(graph: Graph) -> None:
    """Move each pad behind maths by channel, then into what reads it; or let a node pad.

    Refused is a pad of −∞ that anything but a maximum reads.
    """
    while pads := [node for node in graph if node.op == "pad"]:
        _absorb(graph, pads[0])


def _absorb(graph: Graph, pad: Node) -> None:
    for reader in graph.readers(pad.name):
        if reader.inputs.count(pad.name) == 1 and reader.input == pad.name:
            taken = _behind(graph, pad, reader) or _padded(graph, pad, reader)
            if taken is not None:
                graph.put(taken)
    if graph.readers(pad.name) or graph.is_output(pad.name):
        _compute(graph, pad)
    else:
        graph.remove(pad.name)


def _behind(graph: Graph, pad: Node, reader: Node) -> Node | None:
    """The pad behind a reader that maps each value, which then comes before it."""
    value = _value_behind(pad["value"], reader)
    if value is None or not np.isfinite(pad["value"]).all():
        return None
    source = graph[pad.input]
    is_plain = reader.op == "sign" and SignRule.of(reader).is_plain
    signed = source.origin.export if is_plain else ""
    first = replace(
        reader,
        name=graph.unique(f"{reader.name}.inside"),
        inputs=(source.name,),
        shape=source.shape._replace(channels=reader.shape.channels),
        origin=reader.origin._replace(export="", signed=signed),
    )
    graph.insert_before(reader.name, first)
    behind = replace(pad, name=reader.name, inputs=(first.name,), shape=reader.shape)
    behind = replace(behind, origin=reader.origin, body=reader.body, is_sign=reader.is_sign)
    return behind.with_keys(value=value)


def _value_behind(value: Values, reader: Node) -> Values | None:
    """What a reader makes of the pad's value, (channels,); None where it does more than that."""
    if reader.op == "sign":
        negative = SignRule.of(reader).negative(value.astype(np.float32))
        return np.where(negative, -1.0, 1.0)
    if reader.op == "mean_abs":
        return np.array([np.abs(value).mean()])
    if not is_by_channel(reader):
        return None
    computed = evaluate(reader.steps, value.astype(np.float32)[:, None], slice(None))
    return computed[:, 0].astype(np.float64)


def _padded(graph: Graph, pad: Node, reader: Node) -> Node | None:
    """The reader with the pad in its own padding; None where that is something else."""
    both = added_sides(pad["padding"], reader["padding"]) if reader.has("padding") else None
    keys: dict[str, Any] | None = None
    if reader.op == "pad":
        alike = np.array_equal(reader["value"], pad["value"])
        keys = {"padding": both} if alike else None
    elif reader.op == "real_conv":
        keys = _of_real_conv(pad, reader)
    elif reader.op == "binary_conv":
        keys = _of_binary_conv(pad, reader)
    elif reader.op in ("max_pool", "global_max") and _is_ignored(graph, pad):
        keys = {"padding": both} if both else {}
    elif reader.op == "avg_pool" and not pad["value"].any():
        counts = reader["count_padding"] or not any(reader["padding"])
        keys = {"padding": both, "count_padding": True} if counts else None
    if keys is None:
        return None
    if reader.has("ceil") and reader["ceil"] and any(pad["padding"][2:]):
        return None  # a last window may begin in a pad, but not in a pool's own padding behind
    taken = replace(reader.with_keys(**keys), inputs=(pad.input, *reader.inputs[1:]))
    return taken if _fits(graph, taken) else None


def _of_real_conv(pad: Node, conv: Node) -> dict[str, Any] | None:
    """It pads with one value per channel; with a padding of its own that must be the same."""
    value, outside = pad["value"], conv["pad_value"]
    own = np.zeros_like(value) if outside is None else outside
    if not np.isfinite(value).all() or (any(conv["padding"]) and not np.array_equal(own, value)):
        return None
    return {
        "padding": added_sides(pad["padding"], conv["padding"]),
        "pad_value": value if value.any() else None,
    }


def _of_binary_conv(pad: Node, conv: Node) -> dict[str, Any] | None:
    """It pads with one sign for all channels, and its own padding, if any, counts nothing."""
    sign = _PAD_SIGNS[pad["value"][0]]
    alike = (pad["value"] == pad["value"][0]).all()
    if not alike or (any(conv["padding"]) and conv["pad_sign"] != sign):
        return None
    return {"padding": added_sides(pad["padding"], conv["padding"]), "pad_sign": sign}


def _is_ignored(graph: Graph, pad: Node) -> bool:
    """Whether a maximum never takes the pad's value rather than one of the input's."""
    if pad.is_sign:
        return bool((pad["value"] < 0).all())
    return bool((pad["value"] <= intervals(graph)[pad.input].low).all())


def _fits(graph: Graph, taken: Node) -> bool:
    """Whether a pool yields as many values as before, each of a window with a tap inside."""
    if taken.op not in ("avg_pool", "max_pool"):
        return True
    node = FileNode(taken.name, taken.op, (0,), taken.keys)
    source = graph[taken.input].shape
    try:
        shape = SHAPE_RULES[taken.rule.shape](node, [source], source.channels, taken.name)
    except ModelFileError:
        return False
    return shape == taken.shape


def _compute(graph: Graph, pad: Node) -> None:
    """A convolution of each channel by itself, whose one tap is 1; of signs, a sign behind it."""
    value = pad["value"]
    if not np.isfinite(value).all():
        reason = "pads with −inf what something other than a max pooling reads"
        graph.refused += refuse(pad.origin, reason, "only that ignores it").refusals
        value = np.zeros_like(value)
    channels = pad.shape.channels
    keys = {
        "padding": pad["padding"],
        "groups": channels,
        "weight": np.ones((channels, 1, 1, 1)),
        **({"pad_value": value} if value.any() else {}),
    }
    conv = replace(pad, op="real_conv", keys=keys, is_sign=False)
    if pad.is_sign:
        origin = pad.origin._replace(export="", signed="")
        conv = replace(conv, name=graph.unique(f"{pad.name}.values"), origin=origin)
        graph.insert_before(pad.name, conv)
        graph.put(replace(pad, op="sign", inputs=(conv.name,), keys={}))
    else:
        graph.put(conv)
