"""Between which bounds each channel of each value lies, whatever the image: interval arithmetic.

Bounds hold for PyTorch's and the engine's float32, too: a sum of terms of both signs is widened by
what rounding can add, and one whose terms are all of one sign rounds to no other. What nobody has
trained yet is unbounded: a batch-norm of the first statistics, an added parameter of 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from signbit.bitformat.int16_stem import MAX_PIXEL
from signbit.compiler.ir import IMAGE, FloatArray, Graph, Node, Step

__all__ = ["Interval", "intervals"]

Array = npt.NDArray[np.float64]
Factor = FloatArray | float

_MOST = float(np.finfo(np.float32).max)
_ROUNDING = 2.0**-23
"""Of one multiplication and addition in float32, relative: twice what it can be."""

_OF_A_MEAN = 2.0**-6
"""Of the mean of a map, relative: of more than 2^16 pixels, each added to the sum of the others."""


class Interval(NamedTuple):
    """Bounds of a value, (channels,) each; wider ones than float32 has count as its largest."""

    low: Array
    high: Array


def intervals(graph: Graph) -> dict[str, Interval]:
    """Bounds of every value of a graph as it was traced, its image in whole or broken pixels."""
    found: dict[str, Interval] = {}
    for node in graph:
        low, high = _after_steps(node, _body(node, found), found)
        found[node.name] = Interval(np.maximum(low, -_MOST), np.minimum(high, _MOST))
    return found


def _body(node: Node, found: Mapping[str, Interval]) -> Interval:
    channels = node.shape.channels
    if node.name == IMAGE:
        return Interval(np.zeros(channels), np.full(channels, float(MAX_PIXEL)))
    source = found[node.input]
    if node.op == "sign":
        return Interval(np.where(source.low < 0, -1.0, 1.0), np.where(source.high < 0, -1.0, 1.0))
    if node.op in ("real_conv", "binary_conv"):
        return _convolution(node, source)
    if node.op == "sign_sum":
        most = np.full(channels, source.low.size / node["groups"] * prod(node["kernel"]))
        return Interval(-most, most)
    if node.op == "batch_norm":
        return _normalised(node, source)
    if node.op == "flatten_chw":
        size = channels // source.low.size
        return Interval(np.repeat(source.low, size), np.repeat(source.high, size))
    if node.op == "view":
        after = channels - node["zeros"] - source.low.size
        return Interval(*(np.pad(bound, (node["zeros"], after)) for bound in source))
    if node.op == "concat":
        parts = [found[name] for name in node.inputs[: node.arity]]
        return Interval(*(np.concatenate(bounds) for bounds in zip(*parts, strict=True)))
    if node.op == "mean_abs":
        largest = max(float(np.abs(bound).max()) for bound in source)
        return Interval(np.zeros(1), np.full(1, largest * (1 + channels * _ROUNDING)))
    if node.op in ("avg_pool", "global_mean"):
        return Interval(
            source.low - _OF_A_MEAN * np.abs(source.low),
            source.high + _OF_A_MEAN * np.abs(source.high),
        )
    return source  # max_pool, and epilogues that stand alone


def _convolution(node: Node, source: Interval) -> Interval:
    """Each tap reads the source, or what stands outside the image."""
    low, high = source
    if any(node["padding"]):
        outside = np.zeros_like(low) if _pad_value(node) is None else _pad_value(node)
        low, high = np.minimum(low, outside), np.maximum(high, outside)
    filters, height, width, inputs = node["weight"].shape
    groups = node["groups"]
    weight = node["weight"].reshape(groups, filters // groups, -1, inputs)
    rises, falls = (np.maximum(sign * weight, 0).sum(2, dtype=np.float64) for sign in (1.0, -1.0))
    by_group = Interval(*(bound.reshape(groups, inputs, 1) for bound in (low, high)))
    bounds = _sum(rises, falls, by_group, height * width * inputs)
    return Interval(*(bound.reshape(-1) for bound in bounds))


def _sum(rises: Array, falls: Array, x: Interval, terms: int) -> Interval:
    """Bounds of (rises − falls) @ x, both factors at least 0, as float32 adds so many terms.

    A sum's error is at most `share` of the sum of its terms' magnitudes. So each term is bounded
    with its error, which leaves a sum of terms of one sign on its side of 0.
    """
    share = terms * _ROUNDING

    def bound(rising: Array, falling: Array, away: float) -> Array:
        above = rises @ np.maximum(rising, 0) + falls @ np.maximum(-falling, 0)
        below = rises @ np.maximum(-rising, 0) + falls @ np.maximum(falling, 0)
        return np.asarray((1 + away) * above - (1 - away) * below)

    return Interval(bound(x.low, x.high, -share), bound(x.high, x.low, share))


def _by_channel(*terms: tuple[Factor, Interval]) -> Interval:
    """Bounds of the sum over the terms of factor · value, channel by channel."""
    channels = terms[-1][1].low.size
    factors = np.stack([np.broadcast_to(factor, channels) for factor, _ in terms], 1)[:, None]
    lows, highs = ([getattr(value, end) for _, value in terms] for end in ("low", "high"))
    values = Interval(*(np.stack(bounds, 1)[:, :, None] for bounds in (lows, highs)))
    rises, falls = np.maximum(factors, 0), np.maximum(-factors, 0)
    return Interval(*(bound.reshape(-1) for bound in _sum(rises, falls, values, len(terms) + 1)))


def _exactly(value: Array) -> Interval:
    return Interval(value, value)


def _normalised(norm: Node, source: Interval) -> Interval:
    scale = norm["weight"] / np.sqrt(norm["variance"] + norm["epsilon"])
    if not norm["mean"].any() and (norm["variance"] == 1).all():
        moves = scale != 0
        source = Interval(np.where(moves, -_MOST, 0), np.where(moves, _MOST, 0))
    return _by_channel(
        (scale, source), (-scale, _exactly(norm["mean"])), (1, _exactly(norm["bias"]))
    )


def _after_steps(node: Node, value: Interval, found: Mapping[str, Interval]) -> Interval:
    """What a node's steps make of its operation's bounds."""
    steps = list(node.steps)
    while steps:
        step = steps.pop(0)
        if step.op == "affine":
            weighted = [each for each in steps if each.op == "add" and each["weighted"] is not None]
            value = _affine(node, step, weighted, value, found)
            steps = [each for each in steps if not any(each is one for one in weighted)]
        elif step.op in ("add", "subtract", "multiply"):
            operand = _operand(node, step, found)
            if step.op == "subtract":
                operand = Interval(-operand.high, -operand.low)
            many = step.op == "multiply"
            value = _product(value, operand) if many else _by_channel((1.0, operand), (1.0, value))
        elif step.op == "offset":
            value = _by_channel((1.0, _exactly(step["value"])), (1.0, value))
        else:
            value = _activated(step, value)
    return value


def _affine(
    node: Node,
    step: Step,
    weighted: list[Step],
    value: Interval,
    found: Mapping[str, Interval],
) -> Interval:
    """Bounds of scale·v + shift, and of the weighted operands that are added to it."""
    shifts = step["shift"].reshape(-1, node.shape.channels).astype(np.float64)
    if node.input != IMAGE and not shifts.any() and (step["scale"] == 1).all():
        shifts = np.array([[-_MOST], [_MOST]]) * np.ones(node.shape.channels)
    terms: list[tuple[Factor, Interval]] = [
        *((each["weighted"], _operand(node, each, found)) for each in weighted),
        (step["scale"], value),
        (1.0, Interval(shifts.min(0), shifts.max(0))),
    ]
    return _by_channel(*terms)


def _operand(node: Node, step: Step, found: Mapping[str, Interval]) -> Interval:
    """Bounds of what a step reads, for each channel of the node."""
    operand, channels = found[node.operand(step)], node.shape.channels
    if step["repeat"] == "tile":
        return Interval(*(np.resize(bound, channels) for bound in operand))
    if step["repeat"] == "each":
        return Interval(*(np.repeat(bound, channels // bound.size) for bound in operand))
    bounds = []
    for bound in operand:
        around = np.zeros(channels)
        shown = bound[: max(0, channels - step["offset"])]
        around[step["offset"] : step["offset"] + len(shown)] = shown
        bounds.append(around)
    return Interval(*bounds)


def _product(left: Interval, right: Interval) -> Interval:
    corners = np.stack([a * b for a in left for b in right])
    low, high = corners.min(0), corners.max(0)
    return Interval(low - _ROUNDING * np.abs(low), high + _ROUNDING * np.abs(high))


def _activated(step: Step, value: Interval) -> Interval:
    if step.op == "relu":
        return Interval(*(np.maximum(bound, 0) for bound in value))
    if step.op == "hardtanh":
        return Interval(*(np.clip(bound, -1, 1) for bound in value))
    if step.op == "sigmoid":
        return Interval(np.zeros_like(value.low), np.ones_like(value.high))
    if step.op not in ("prelu", "maxout"):
        return Interval(np.full_like(value.low, -_MOST), np.full_like(value.high, _MOST))
    above: Any = 1.0 if step.op == "prelu" else step["positive_slope"]
    ends = np.stack([np.where(bound < 0, bound * step["slope"], bound * above) for bound in value])
    # Between them lies 0, where the slope changes.
    ends = np.concatenate([ends, np.where((value.low < 0) & (value.high > 0), 0, ends[:1])])
    return Interval(ends.min(0), ends.max(0))


def _pad_value(node: Node) -> FloatArray | None:
    """Of a convolution that has one."""
    return node["pad_value"] if node.has("pad_value") else None
