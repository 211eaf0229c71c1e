"""What steps make of the bounds of a value."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from signbit.compiler.checks.activation_intervals import activated
from signbit.compiler.checks.interval_arithmetic import (
    MOST,
    Factor,
    Interval,
    exactly,
    product,
    square,
    weighted_sum,
)
from signbit.compiler.ir import Node, Step, is_plain

__all__ = ["after_steps"]


def after_steps(
    node: Node, value: Interval, found: Mapping[str, Interval], of_pixels: bool
) -> Interval:
    """What a node's steps make of its operation's bounds.

    of_pixels: whether it reads pixels, whose normalisation is what it is; any other is trained.
    """
    steps = list(node.steps)
    while steps:
        step = steps.pop(0)
        if step.op == "affine":
            weighted = [each for each in steps if each.op == "add" and each["weighted"] is not None]
            value = _affine(node, step, weighted, value, found, of_pixels)
            steps = [each for each in steps if not any(each is one for one in weighted)]
        elif step.op in ("add", "subtract", "multiply"):
            value = _combined(node, step, value, found)
        elif step.op == "offset":
            value = weighted_sum((1.0, exactly(step["value"])), (1.0, value))
        else:
            value = activated(step, value)
    return value


def _combined(node: Node, step: Step, value: Interval, found: Mapping[str, Interval]) -> Interval:
    """Bounds of the value with an operand."""
    operand = _operand(node, step, found)
    if step.op == "multiply":
        is_square = node.only_step is step and node.operand(step) == node.input and is_plain(step)
        return square(value) if is_square else product(value, operand)
    if step.op == "subtract":
        operand = Interval(-operand.high, -operand.low)
    return weighted_sum((1.0, operand), (1.0, value))


def _affine(
    node: Node,
    step: Step,
    weighted: list[Step],
    value: Interval,
    found: Mapping[str, Interval],
    of_pixels: bool,
) -> Interval:
    """Bounds of scale·v + shift, and of the weighted operands that are added to it.

    A parameter of 0 that is added is one that nobody has trained yet.
    """
    shifts = step["shift"].reshape(-1, node.shape.channels).astype(np.float64)
    if not of_pixels and not shifts.any() and (step["scale"] == 1).all():
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
