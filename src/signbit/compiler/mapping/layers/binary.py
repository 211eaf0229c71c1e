"""signbit's own operations: products of binarized activations s + δ with weights scale·w + offset.

    y = scale[c]·D + offset[c]·S + δ·(scale[c]·W + offset[c]·N)

D is the dot of the signs, S the sum of the input's in the window (of the filter's group), W the sum
of the filter's, N their number, all over taps inside the image. D is a `binary_conv`, S a
`sign_sum` beside it, and the rest is known: one value per channel, or a shift by border where taps
are missing. Where an operand holds reals, as the layer's binarizers want it, the product is a
`real_conv`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.bitformat.graph import Sides, added_sides
from signbit.bitformat.table import LIMITS
from signbit.compiler.checks.silent_floats import takes_a_sign, why_no_signs
from signbit.compiler.ir import Node, Step, is_plain
from signbit.compiler.mapping.layers.convolution import both_sides
from signbit.compiler.mapping.moves.joins import join
from signbit.compiler.mapping.moves.padding import NO_SIDES, zeros_around_signs
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS", "product_of_operands"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Product:
    """What one call multiplies."""

    call: Call
    given: Node
    """The argument, with the zeros around it."""
    source: Node
    window: dict[str, Any]
    """The nodes' kernel, stride, padding, dilation and groups."""
    zeros: Sides
    """Rows and columns of zeros around the source, which count nothing; no part of the window."""
    weight: Array
    """(out, kh, kw, in / groups)"""
    scale: Array | None
    """(out,); None for 1"""
    offset: Array | None
    """(out,); None for 0"""
    delta: float
    copies: int = 1
    """How many sign maps the source has side by side, all of which meet the weights."""

    @property
    def is_binary(self) -> bool:
        """Whether the weights are −1 and +1."""
        return bool((np.abs(self.weight) == 1).all())

    @property
    def factors(self) -> Array:
        return np.ones(len(self.weight)) if self.scale is None else self.scale

    def owed(self, weight: Array) -> Array:
        """δ·(scale·W + offset·N) of taps (out, kh, kw, in / groups), some of a filter's; (out,)."""
        sums: Array = self.factors * weight.sum((1, 2, 3))
        if self.offset is not None:
            sums = sums + self.offset * weight[0].size
        return self.delta * sums


def _binary_conv2d(call: Call) -> Node:
    source = call.map("signs")
    weight = call.constant("weight_signs").transpose(0, 2, 3, 1)
    window = {
        "stride": call.pair("stride"),
        "padding": both_sides(call.pair("padding")),
        "dilation": call.pair("dilation"),
    }
    return product_of_operands(call, source, weight, window, call.arguments["groups"])


def _binary_linear(call: Call) -> Node:
    source = call.with_channels("signs", -1)
    window = {"stride": (1, 1), "padding": (0, 0, 0, 0), "dilation": (1, 1)}
    filters = call.constant("weight_signs")[:, None, None, :]
    return product_of_operands(call, source, filters, window, 1)


def product_of_operands(
    call: Call, given: Node, weight: Array, window: dict[str, Any], groups: int
) -> Node:
    """Append what a call of signbit's own makes of a value and of weights.

    weight: (out, kh, kw, in / groups); window: stride, padding and dilation. Several filters in a
    row may share a scale and an offset of the call's.
    """
    filters, *kernel, _ = weight.shape
    scale, offset = (_by_filter(call, name, filters) for name in ("scale", "weight_offset"))
    delta = call.optional_constant("input_offset")
    source, zeros = zeros_around_signs(call, given)
    maps = [] if source.is_sign else _summed_signs(call, source)
    product = _Product(
        call,
        given,
        source,
        {**window, "kernel": tuple(kernel), "groups": groups},
        zeros,
        weight,
        scale,
        offset if offset is not None and offset.any() else None,
        0.0 if delta is None else float(delta),
    )
    if maps and product.is_binary:
        source = _side_by_side(call, maps, groups)
        product = replace(product, source=source, copies=len(maps))
    most, taps = LIMITS["taps"], weight[0].size * product.copies
    if product.is_binary and taps > most:
        raise call.refuse(f"has {taps} weights per filter, at most {most} are allowed")
    if product.is_binary and product.source.is_sign:
        return _of_signs(product)
    product = replace(product, source=given, zeros=NO_SIDES)
    reasons = [reason for reason in (_lost_weights(product), _lost_inputs(product)) if reason]
    if reasons:
        call.tracer.lost[call.layer] = call.refuse(
            "is no product of signs: " + "; and ".join(reasons)
        )
    return _of_reals(product)


def _summed_signs(call: Call, value: Node) -> list[Node]:
    """The signs that a value is the sum of, as an activation of several bits is; or none."""
    graph = call.tracer.graph
    if value.op != "identity":
        return []
    if not value.steps:
        return [graph[value.input]] if graph[value.input].is_sign else []
    (step,) = value.steps
    if step.op != "add" or not is_plain(step):
        return []
    parts = [_summed_signs(call, graph[name]) for name in value.inputs]
    is_whole = all(parts) and all(graph[name].shape == value.shape for name in value.inputs)
    return [sign for part in parts for sign in part] if is_whole else []


def _side_by_side(call: Call, maps: list[Node], groups: int) -> Node:
    """The maps as channels of one, group by group."""
    shape = maps[0].shape
    each = shape.channels // groups
    if groups > 1:
        part_shape = shape._replace(channels=each)
        maps = [
            call.add("slice", sign, part="group", shape=part_shape, first=first, count=each)
            for first in range(0, shape.channels, each)
            for sign in maps
        ]
    return join(call, maps, part="maps")


def _lost_weights(product: _Product) -> str:
    """Why the weights are no signs where they were meant to be; empty where all is well."""
    call = product.call
    kept = call.tracer.kept_real.get(call.origin.module)
    meant = not kept.weights if kept else _meant_as_signs(product)
    weight = product.weight.transpose(0, 3, 1, 2)
    rank = len(call.arguments["weight_signs"].meta["val"].shape)
    return why_no_signs(weight if rank == 4 else weight[:, :, 0, 0]) if meant else ""


def _meant_as_signs(product: _Product) -> bool:
    share = float((np.abs(product.weight) == 1).mean())
    return share >= 0.5 or takes_a_sign(product.call.arguments["weight_signs"])


def _lost_inputs(product: _Product) -> str:
    """Why the input is no sign where it was meant to be; empty where all is well."""
    kept = product.call.tracer.kept_real.get(product.call.origin.module)
    if product.source.is_sign or kept is None or kept.inputs:
        return ""
    if product.call.tracer.is_of_unknown(product.source):
        return ""
    return (
        f"its input holds the reals of {product.source.origin}: let the activation binarizer take "
        "signbit.nn.sign, or RealActivation hand reals on"
    )


def _by_filter(call: Call, name: str, filters: int) -> Array | None:
    values = call.optional_constant(name)
    if values is None or values.size == 1:
        return None if values is None else np.broadcast_to(values, (filters,))
    return np.repeat(values, filters // values.size)


def _of_signs(product: _Product) -> Node:
    """Integers first: D, and S where the weights are not symmetric."""
    call, source = product.call, product.source
    weight = np.tile(product.weight.astype(np.int8), product.copies)
    affine = _affine(product)
    if any(product.zeros):
        around = added_sides(product.window["padding"], product.zeros)
        product = replace(product, window={**product.window, "padding": around})
    summed = product.window
    if product.copies > 1:
        product = replace(product, window={**summed, "copies": product.copies})
    window = product.window
    if product.offset is None and "row_taps" not in affine.keys:
        return _scaled(product, "binary_conv", weight, affine["shift"])
    operands, steps = [source], [affine]
    if product.offset is not None:
        shape = call.shape()._replace(channels=window["groups"])
        operands.append(call.add("sign_sum", source, part="signs", shape=shape, **summed))
        steps.append(Step("add", {"input": 1, "repeat": "each", "weighted": product.offset}))
    conv = call.add("binary_conv", *operands, steps=steps, weight=weight, **window)
    if product.copies == 1 and not any(product.zeros):
        call.tracer.graph.input_offsets[conv.name] = product.delta
    return conv


def _affine(product: _Product) -> Step:
    """The factors, and what δ adds: by channel, or by border where taps are missing."""
    shift = np.zeros(len(product.weight))
    if not product.delta:
        return Step("affine", {"scale": product.factors, "shift": shift})
    call, window = product.call, product.window
    if any(product.zeros) and any(window["padding"]):
        raise call.refuse(
            "pads signs with zeros that count and zeros that do not, as its input has an offset",
            "let the layer pad alone, or the pad in front of it",
        )
    rows, columns = call.tap_sets(product.given, window)
    by_row = [product.weight[:, slice(*taps)] for taps in rows]
    shift = np.array([[product.owed(w[:, :, slice(*x)]) for x in columns] for w in by_row])
    if len(rows) == len(columns) == 1:
        return Step("affine", {"scale": product.factors, "shift": shift[0, 0]})
    taps = {"row_taps": rows, "column_taps": columns}
    return Step("affine", {"scale": product.factors, "shift": shift, **taps})


def _of_reals(product: _Product) -> Node:
    """A convolution of floats: of signs (32/1), with weights of signs (1/32), or with neither.

    A tap outside the image reads −δ, so that s + δ is 0 there: then all windows are alike.
    """
    if product.delta and any(product.window["padding"]):
        pad_value = np.full(product.source.shape.channels, -product.delta)
        product = replace(product, window={**product.window, "pad_value": pad_value})
    shift = product.owed(product.weight)
    if product.is_binary and product.offset is not None:
        return _with_sum_of_reals(product, product.offset, shift)
    if product.offset is not None:
        # All of it is a real weight: nothing is left to add.
        factors, offset = (a[:, None, None, None] for a in (product.factors, product.offset))
        product = replace(product, weight=factors * product.weight + offset, scale=None)
        return _scaled(product, "real_conv", product.weight, shift)
    weight = product.weight.astype(np.int8) if product.is_binary else product.weight
    return _scaled(product, "real_conv", weight, shift)


def _with_sum_of_reals(product: _Product, offset: Array, shift: Array) -> Node:
    """Binary weights with an offset, on reals: the sum of the inputs has a convolution of its own.

    A second one, 1×1, multiplies it by each filter's offset, so that the weights stay signs.
    """
    call, source, window = product.call, product.source, product.window
    groups = window["groups"]
    weight = product.weight.astype(np.int8)
    dots = call.add("real_conv", source, part="", weight=weight, **window)
    scaled = call.step("affine", dots, part="scale", scale=product.factors, shift=shift)
    ones = np.ones((groups, *weight.shape[1:]), np.int8)
    shape = call.shape()._replace(channels=groups)
    total = call.add("real_conv", source, part="inputs", shape=shape, weight=ones, **window)
    by_filter = offset[:, None, None, None]
    added = call.add("real_conv", total, part="offset", weight=by_filter, groups=groups)
    return call.step("add", scaled, added)


def _scaled(product: _Product, op: str, weight: npt.NDArray[Any], shift: Array) -> Node:
    """The convolution, and what scales and shifts its result if that is not 1 and 0."""
    call, source, window = product.call, product.source, product.window
    if product.scale is None and not shift.any():
        return call.add(op, source, weight=weight, **window)
    dots = call.add(op, source, part="", weight=weight, **window)
    return call.step("affine", dots, scale=product.factors, shift=shift)


MAPPINGS = {
    "signbit.binary_conv2d.default": _binary_conv2d,
    "signbit.binary_linear.default": _binary_linear,
}
