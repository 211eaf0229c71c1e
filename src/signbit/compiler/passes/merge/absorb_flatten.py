"""A flattened map read by a linear layer is that layer as a convolution over the whole map.

w[c, y, x] in PyTorch's order = w[y, x, c] in the file's

What else reads one stays behind the flatten, for `order_features`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from signbit.compiler.ir import Graph, Node, Step, constants_of, is_by_channel, refuse

__all__ = ["NO_MAP", "absorb_flatten"]

NO_MAP = (
    "pool it, x.mean((2, 3)), or put a linear layer behind it; for features leave the flatten out, "
    "so that the map is the result"
)
"""What to do about a flattened map at the end."""


def absorb_flatten(graph: Graph) -> None:
    """Move each flatten behind the operations on single elements, then into the linear layer.

    One that is the network's result is refused.
    """
    seen: set[str] = set()
    while flattens := [n for n in graph if n.op == "flatten_chw" and n.name not in seen]:
        seen.add(flattens[0].name)
        _absorb(graph, flattens[0])


def _absorb(graph: Graph, flatten: Node) -> None:
    if graph.is_output(flatten.name):
        reason = "the network must end in one value per class, this is a map"
        graph.refused += refuse(flatten.origin, reason, NO_MAP).refusals
        return
    for reader in graph.readers(flatten.name):
        is_conv = reader.rule.reads == "taps" and reader["kernel"] == (1, 1)
        if is_conv and reader.input == flatten.name:
            _into_convolution(graph, reader, flatten)
        elif reader.op == "mean_abs":
            _into_mean(graph, reader, flatten)
        elif reader.op == "sign" or is_by_channel(reader):
            _behind(graph, reader, flatten)
    if not graph.readers(flatten.name):
        graph.remove(flatten.name)


def _into_convolution(graph: Graph, conv: Node, flatten: Node) -> None:
    height, width, channels = graph[flatten.input].shape
    keys = conv.keys | {"kernel": (height, width)}
    if conv.weight is not None:
        weight = conv.weight.reshape(-1, channels, height, width)
        keys["weight"] = weight.transpose(0, 2, 3, 1)
    graph.update(conv.name, inputs=(flatten.input, *conv.inputs[1:]), keys=keys)


def _into_mean(graph: Graph, mean: Node, flatten: Node) -> None:
    """The mean over all features is the mean over the map of that over the channels."""
    source = graph[flatten.input]
    by_pixel = replace(
        mean,
        name=graph.unique(f"{mean.name}.map"),
        inputs=(source.name,),
        shape=source.shape._replace(channels=1),
        origin=mean.origin._replace(export=""),
    )
    graph.insert_before(mean.name, by_pixel)
    graph.update(mean.name, op="global_mean", inputs=(by_pixel.name,))


def _behind(graph: Graph, reader: Node, flatten: Node) -> None:
    """op(flatten(x)) = flatten(op(x)) for an operation on single elements, alike in a channel."""
    source = graph[flatten.input]
    keys = _by_channel(reader, source)
    steps = [_by_channel(step, source) for step in reader.steps]
    if keys is None or any(step is None for step in steps):
        return
    moved = replace(
        reader,
        name=graph.unique(f"{reader.name}.map"),
        inputs=(source.name,),
        shape=source.shape,
        keys=keys,
        steps=tuple(
            Step(step.op, keys)
            for step, keys in zip(reader.steps, steps, strict=True)
            if keys is not None
        ),
    )
    graph.insert_before(reader.name, moved)
    flat = replace(flatten, name=reader.name, inputs=(moved.name,), is_sign=reader.is_sign)
    graph.put(replace(flat, origin=reader.origin))


def _by_channel(part: Node | Step, source: Node) -> dict[str, Any] | None:
    """The keys of what works on flattened features, on the map's channels; None where those of one
    differ. Signs of pixels are by channel already."""
    keys: dict[str, Any] = dict(part.keys)
    for name, values in constants_of(part):
        if name == "pixel_signs":
            continue
        by_channel = values.reshape(source.shape.channels, -1)
        if np.ptp(by_channel, axis=1).any():
            return None
        keys[name] = by_channel[:, 0].copy()
    return keys
