"""What steps make of the bounds of a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from signbit.compiler.checks.interval_arithmetic import (
    MOST,
    Factor,
    Interval,
    exactly,
    product,
    unbounded,
    weighted_sum,
)
from signbit.compiler.ir import IMAGE, Node, Step

__all__ = ["after_steps"]


def after_steps(node: Node, value: Interval, found: Mapping[str, Interval]) -> Interval:
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
            value = product(value, operand) if many else weighted_sum((1.0, operand), (1.0, value))
        elif step.op == "offset":
            value = weighted_sum((1.0, exactly(step["value"])), (1.0, value))
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
    """Bounds of scale·v + shift, and of the weighted operands that are added to it.

    A parameter of 0 that is added is one that nobody has trained yet.
    """
    shifts = step["shift"].reshape(-1, node.shape.channels).astype(np.float64)
    if node.input != IMAGE and not shifts.any() and (step["scale"] == 1).all():
        shifts = np.array([[-MOST], [MOST]]) * np.ones(node.shape.channels)
    terms: list[tuple[Factor, Interval]] = [
        *((each["weighted"], _operand(node, each, found)) for each in weighted),
        (step["scale"], value),
        (1.0, Interval(shifts.min(0), shifts.max(0))),
    ]
    return weighted_sum(*terms)


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


def _activated(step: Step, value: Interval) -> Interval:
    if step.op == "relu":
        return Interval(*(np.maximum(bound, 0) for bound in value))
    if step.op == "hardtanh":
        return Interval(*(np.clip(bound, -1, 1) for bound in value))
    if step.op == "sigmoid":
        return Interval(np.zeros_like(value.low), np.ones_like(value.high))
    if step.op not in ("prelu", "maxout"):
        return unbounded(value.low.size)
    above: Any = 1.0 if step.op == "prelu" else step["positive_slope"]
    ends = np.stack([np.where(bound < 0, bound * step["slope"], bound * above) for bound in value])
    # Between them lies 0, where the slope changes.
    ends = np.concatenate([ends, np.where((value.low < 0) & (value.high > 0), 0, ends[:1])])
    return Interval(ends.min(0), ends.max(0))
