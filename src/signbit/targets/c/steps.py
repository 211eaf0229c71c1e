"""What each step makes of v, as lines of C, found by the step's name.

An `Operands` step reads its tensor by a pointer to the pixel, which `pixel_of` declares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from signbit.bitformat.graph import Pair, Step
from signbit.bitformat.taps import axis_taps
from signbit.targets.c.site import Site

__all__ = ["STEPS", "pixel_of"]


def pixel_of(site: Site, index: int, step: Step) -> list[str]:
    """What a step needs once for each pixel: pointers to what it reads there."""
    if any(key.type == "operand" for key in step.rule.keys):
        operand = site.inputs[step["input"]]
        (rows, columns), width = step["every"], operand.shape[1]
        pixel = f"(y * {rows * width} + x * {columns}) * {operand.channels}"
        where = operand.name if (rows, columns) == (0, 0) else f"{operand.name} + {pixel}"
        return [f"const real *const s{index} = {where};"]
    if step.op == "affine" and step["row_taps"]:
        shifts = site.pool.constant(site.arrays[step["shift"]])
        rows, columns = (
            site.pool.constant(np.array(_entries(site, axis, step[f"{name}_taps"]), np.uint8))
            for axis, name in enumerate(("row", "column"))
        )
        entry = f"({rows}[y] * {len(step['column_taps'])} + {columns}[x]) * {site.shape[2]}"
        return [f"const float *const s{index} = {shifts} + {entry};"]
    return []


def _entries(site: Site, axis: int, sets: Sequence[Pair]) -> list[int]:
    """Which of the step's tap sets the window of each position along an axis has."""
    node = site.node
    met = axis_taps(
        site.source.shape[axis],
        node["kernel"][axis],
        node["stride"][axis],
        node["padding"][axis],
        node["padding"][axis + 2],
        node["dilation"][axis],
    )
    return [sets.index(met.sets[number]) for number in met.by_position]


def _affine(site: Site, index: int, step: Step) -> str:
    scale = site.arrays[step["scale"]]
    by_border = bool(step["row_taps"])
    shift = f"s{index}[c]" if by_border else site.per_channel(site.arrays[step["shift"]])
    if (scale == 1).all():
        return f"v += {shift};"
    site.need("fma")
    return f"v = fma_once(v, {site.per_channel(scale)}, {shift});"


def _operand(site: Site, index: int, step: Step) -> str:
    """The operand's channel for channel c, or +0.0 where there is none."""
    count, channels, first = site.inputs[step["input"]].channels, site.shape[2], step["offset"]
    if step["repeat"] == "tile":
        return f"s{index}[c % {count}]" if count < channels else f"s{index}[c]"
    if step["repeat"] == "each":
        return f"s{index}[c / {channels // count}]"
    tests = [f"c >= {first}"] if first else []
    if first + count < channels:
        tests.append(f"c < {first + count}")
    value = f"s{index}[c - {first}]" if first else f"s{index}[c]"
    return f"({' && '.join(tests)} ? {value} : 0.0f)" if tests else value


def _add(site: Site, index: int, step: Step) -> str:
    s = _operand(site, index, step)
    if step["weighted"] is None:
        return f"v += {s};"
    site.need("fma")
    return f"v = fma_once({s}, {site.per_channel(site.arrays[step['weighted']])}, v);"


def _subtract(site: Site, index: int, step: Step) -> str:
    return f"v -= {_operand(site, index, step)};"


def _multiply(site: Site, index: int, step: Step) -> str:
    return f"v *= {_operand(site, index, step)};"


def _activation(line: str, *needs: str) -> Callable[[Site, int, Step], str]:
    """An activation: a line in which the step's constants stand by their keys."""

    def written(site: Site, index: int, step: Step) -> str:
        site.need(*needs)
        constants = {key.name: site.arrays[step[key.name]] for key in step.rule.keys}
        return line.format(**{name: site.per_channel(each) for name, each in constants.items()})

    return written


STEPS: Mapping[str, Callable[[Site, int, Step], str]] = {
    "affine": _affine,
    "offset": lambda site, index, step: f"v += {site.per_channel(site.arrays[step['value']])};",
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "relu": _activation("v = v < 0 ? 0.0f : v;"),
    "hardtanh": _activation("v = v < -1.0f ? -1.0f : v > 1.0f ? 1.0f : v;"),
    "clip": _activation("v = v < {low} ? {low} : v > {high} ? {high} : v;"),
    "prelu": _activation("v = v < 0 ? v * {slope} : v;"),
    "maxout": _activation("v = v < 0 ? v * {slope} : v * {positive_slope};"),
    "sigmoid": _activation("v = 1.0f / (1.0f + exp_once(-v));", "fma", "exp"),
    "hard_sigmoid": _activation("v = from_0_to_6(v + 3.0f) / 6.0f;", "from_0_to_6"),
    "hardswish": _activation("v = v * from_0_to_6(v + 3.0f) / 6.0f;", "from_0_to_6"),
    "silu": _activation("v = v / (1.0f + exp_once(-v));", "fma", "exp"),
    "gelu": _activation("v = gelu_once(v);", "fma", "exp", "gelu"),
    "tanh": _activation("v = tanh_once(v);", "fma", "exp", "tanh"),
}
"""Step → (its node, its place among the steps, the step) → the line that changes v"""
