"""A sign that one pixel decides is one comparison of raw pixels, by PyTorch's own 256 signs.

bit = (x < threshold[c]) XOR flip[c]: the threshold is the first whole number behind the change of
sign, so that x, a float, has the sign of the whole number below it.

Behind a max pool of reals the engine's values of the 256 pixels take the place of the pixels. The
pool must choose a pixel of the same sign here as in PyTorch. It does where the steps in front of it
are monotone, as both sides then choose the smallest or the largest; and where those behind it are,
as a window's sign is then the largest or the smallest of its pixels' signs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from signbit.bitformat.exact import Float32, fma
from signbit.bitformat.int16_stem import MAX_PIXEL
from signbit.compiler.ir import INPUTS, Graph, Node, Step, is_by_channel, reads, refuse
from signbit.compiler.passes.signs.step_values import evaluate, is_monotone

__all__ = ["pixel_comparison"]

Bools = npt.NDArray[np.bool_]

_WITH_OPERAND = {"add": np.add, "subtract": np.subtract, "multiply": np.multiply}

_SAME = ("global_max", "max_pool", "upsample")
"""Operations whose channels are the input's, where all pixels are alike."""
_MOVES = (*_SAME, "channel_shuffle", "concat", "slice", "space_to_depth")

_LOWEST = np.float32(np.finfo(np.float32).min)


def pixel_comparison(
    graph: Graph, sign: Node
) -> tuple[str, tuple[Float32, npt.NDArray[np.uint8]], list[Step]]:
    """The value to compare, its (threshold, flip), (channels,) each, and the steps taken over.

    The value is the image, a pool, moved, or a convolution of one weight per filter.
    Raises CompileError where the sign of a channel changes more than once along its values.
    """
    steps: list[Step] = []
    base = graph[sign.input]
    while base.op == "identity":
        steps = [*base.steps, *steps]
        base = graph[base.input]
    if not _chooses_alike(graph, sign):
        raise refuse(
            sign.origin,
            "is a sign of pooled pixels, with a step that may rise and fall both in front of the "
            "pool and behind it",
            "let a convolution with real weights read the pixels first",
        )
    values = _values(graph, base)
    order = values.argsort(axis=1, kind="stable")
    values = np.take_along_axis(values, order, axis=1)
    negative = np.take_along_axis(sign["pixel_signs"], order, axis=1)
    changes = negative[:, 1:] != negative[:, :-1]
    # Of equal values the engine can make one sign only.
    told_apart = values[:, 1:] != values[:, :-1]
    wrong = (changes.sum(1) > 1) | (changes & ~told_apart).any(1)
    if wrong.any():
        raise refuse(sign.origin, _reason(sign["pixel_signs"], int(wrong.argmax())))
    changed = changes.any(1)
    after = np.take_along_axis(values[:, 1:], changes.argmax(1)[:, None], axis=1)[:, 0]
    # Where the sign never changes, nothing lies below the lowest float.
    threshold = np.where(changed, after, _LOWEST)
    flip = np.where(changed, ~negative[:, 0], negative[:, 0])
    return base.name, (threshold, flip.astype(np.uint8)), steps


def _values(graph: Graph, node: Node) -> Float32:
    """The engine's value for each pixel 0 … 255 of an image that is all alike; (channels, 256)."""
    if node.op == "image":
        every = np.arange(MAX_PIXEL + 1, dtype=np.float32)
        return np.tile(every, (node.shape.channels, 1))
    if node.op == "concat":
        return np.concatenate([_values(graph, graph[name]) for name in node.inputs])
    values = _values(graph, graph[node.input])
    if node.op in _SAME:
        return values
    if node.op == "slice":
        return values[node["first"] : node["first"] + node["count"]]
    if node.op == "channel_shuffle":
        by_group = values.reshape(node["groups"], -1, values.shape[1])
        return by_group.swapaxes(0, 1).reshape(values.shape)
    if node.op == "space_to_depth":
        return values.repeat(node["block"] ** 2, axis=0)
    if node.op == "flatten":
        return np.resize(values, (node.shape.channels, MAX_PIXEL + 1))
    if node.op == "real_conv":
        each = node.shape.channels // node["groups"]
        return fma(values.repeat(each, axis=0), node["weight"].reshape(-1, 1), 0)
    for step in node.steps:
        if reads(step):
            values = _WITH_OPERAND[step.op](values, _values(graph, graph[node.operand(step)]))
        else:
            values = evaluate([step], values, slice(None))
    return values


def _chooses_alike(graph: Graph, sign: Node) -> bool:
    """Whether the engine's pools choose pixels of the same sign as PyTorch's.

    All steps in front of the last pool are monotone, or all behind the first.
    """
    before = {sign.input}
    for node in reversed(list(graph)):
        if node.name in before:
            before.update(node.inputs[: node.arity])
    path = [node for node in graph if node.name in before and node.op not in INPUTS]
    pools = [k for k, node in enumerate(path) if _chooses(node)]
    return not pools or any(
        all(map(_keeps_order, nodes)) for nodes in (path[: pools[-1]], path[pools[0] :])
    )


def _chooses(node: Node) -> bool:
    """Whether a value is one of several of the input's."""
    return node.op == "global_max" or (node.op == "max_pool" and node["kernel"] != (1, 1))


def _keeps_order(node: Node) -> bool:
    """Whether a value never falls, or never rises, with the pixel."""
    if node.op in (*_MOVES, "flatten", "real_conv"):
        return True
    return is_by_channel(node) and all(map(is_monotone, node.steps))


def _reason(negative: Bools, channel: int) -> str:
    """Why there is no comparison for a channel's 256 signs."""
    signs = negative[channel]
    turns = np.flatnonzero(signs[1:] != signs[:-1]) + 1
    names = ["+1", "−1"]
    told = [f"{names[int(signs[0])]} from 0", *(f"{names[int(signs[k])]} from {k}" for k in turns)]
    listed = ", ".join(told[:4]) + (", …" if len(told) > 4 else "")
    return (
        f"is a sign of pixels that changes {len(turns)} times along the values 0 to 255 "
        f"(channel {channel}: {listed}); the engine compares a pixel once: take the sign of "
        "something that only rises or only falls, or let a convolution with real weights read the "
        "pixels first"
    )
