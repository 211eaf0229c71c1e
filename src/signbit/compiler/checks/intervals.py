"""Between which bounds each channel of each value lies, whatever the image: interval arithmetic.

Bounds hold for PyTorch's and the engine's float32, too. What nobody has trained yet is unbounded: a
batch-norm of the first statistics, an added parameter of 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from signbit.bitformat.int16_stem import MAX_PIXEL
from signbit.compiler.checks.interval_arithmetic import (
    MOST,
    ROUNDING,
    Interval,
    exactly,
    sum_of,
    unbounded,
    weighted_sum,
)
from signbit.compiler.checks.step_intervals import after_steps
from signbit.compiler.ir import Graph, Node, SignRule
from signbit.compiler.moved_channels import moved_channels

__all__ = ["Interval", "intervals"]

_OF_A_MEAN = 2.0**-6
"""Relative error of the mean of a map: each of over 2^16 pixels is added to the others' sum."""


def intervals(graph: Graph) -> dict[str, Interval]:
    """Bounds of every value of a graph as it was traced, its images in whole or broken pixels."""
    found: dict[str, Interval] = {}
    for node in graph:
        of_pixels = bool(node.inputs) and graph[node.input].op == "image"
        bounds = after_steps(node, _body(node, found), found, of_pixels)
        found[node.name] = Interval(*(np.clip(bound, -MOST, MOST) for bound in bounds))
    return found


def _body(node: Node, found: Mapping[str, Interval]) -> Interval:
    channels = node.shape.channels
    if node.op == "image":
        return Interval(np.zeros(channels), np.full(channels, float(MAX_PIXEL)))
    if node.op == "reals":
        return unbounded(channels)
    source = found[node.input]
    if node.op == "sign":
        negative = SignRule.of(node).negative(np.array(source).T)
        signs = np.where(negative, -1.0, 1.0)
        return Interval(signs.min(1), signs.max(1))
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
    if node.op == "view" and node["repeat"]:
        return Interval(*(np.resize(bound, channels) for bound in source))
    if node.op == "view":
        after = channels - node["zeros"] - source.low.size
        return Interval(*(np.pad(bound, (node["zeros"], after)) for bound in source))
    if node.op == "mean_abs":
        largest = max(float(np.abs(bound).max()) for bound in source)
        return Interval(np.zeros(1), np.full(1, largest * (1 + channels * ROUNDING)))
    if node.op in ("avg_pool", "global_mean"):
        return _mean(node, source)
    if node.op == "softmax":
        return Interval(np.zeros(channels), np.ones(channels))
    if node.op == "l2_normalise":
        most = np.full(channels, 1 + (channels + 4) * ROUNDING)
        return Interval(np.where(source.low >= 0, 0, -most), most)
    if node.op == "layer_norm":
        most = np.full(channels, channels**0.5 * (1 + (2 * channels + 8) * ROUNDING))
        return Interval(-most, most)
    if node.op == "matmul":
        sizes = [float(np.abs(np.array(found[name])).max()) for name in node.inputs[:2]]
        terms = source.low.size
        most = np.full(channels, terms * prod(sizes) * (1 + (terms + 1) * ROUNDING))
        return Interval(-most, most)
    if node.op == "pad":
        return Interval(
            *(f(b, node["value"]) for f, b in zip((np.minimum, np.maximum), source, strict=True))
        )
    return _moved(node, found)


def _mean(node: Node, source: Interval) -> Interval:
    """A mean lies between its terms, of which those in the padding are 0 where they count."""
    low, high = source
    if node.op == "avg_pool" and node["count_padding"]:
        low, high = np.minimum(low, 0), np.maximum(high, 0)
    return Interval(low - _OF_A_MEAN * np.abs(low), high + _OF_A_MEAN * np.abs(high))


def _moved(node: Node, found: Mapping[str, Interval]) -> Interval:
    """The interval of an operation that moves values, or of which nothing is known."""
    read = [found[name] for name in node.inputs[: node.arity]]
    channels = node.shape.channels
    high = moved_channels(node, [bounds.high for bounds in read], channels)
    low = moved_channels(node, [-bounds.low for bounds in read], channels)
    return unbounded(channels) if high is None or low is None else Interval(-low, high)


def _convolution(node: Node, source: Interval) -> Interval:
    """Each tap reads the source, or what stands outside the image."""
    low, high = source
    if any(node["padding"]):
        outside = node["pad_value"] if node.has("pad_value") else None
        outside = np.zeros_like(low) if outside is None else outside
        low, high = np.minimum(low, outside), np.maximum(high, outside)
    filters, height, width, inputs = node["weight"].shape
    groups = node["groups"]
    weight = node["weight"].reshape(groups, filters // groups, -1, inputs)
    rises, falls = (np.maximum(sign * weight, 0).sum(2, dtype=np.float64) for sign in (1.0, -1.0))
    by_group = Interval(*(bound.reshape(groups, inputs, 1) for bound in (low, high)))
    bounds = sum_of(rises, falls, by_group, height * width * inputs)
    return Interval(*(bound.reshape(-1) for bound in bounds))


def _normalised(norm: Node, source: Interval) -> Interval:
    scale = norm["weight"] / np.sqrt(norm["variance"] + norm["epsilon"])
    if not norm["mean"].any() and (norm["variance"] == 1).all():
        moves = scale != 0
        source = Interval(np.where(moves, -MOST, 0), np.where(moves, MOST, 0))
    return weighted_sum(
        (scale, source), (-scale, exactly(norm["mean"])), (1, exactly(norm["bias"]))
    )
