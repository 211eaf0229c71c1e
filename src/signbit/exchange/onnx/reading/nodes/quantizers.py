"""The quantisers of QONNX, and FINN's MultiThreshold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from signbit.exchange.onnx.reading.call import Call
from signbit.exchange.onnx.reading.file import Array
from signbit.exchange.onnx.reading.nodes.arithmetic import with_constant
from signbit.exchange.onnx.reading.quantization import quantised
from signbit.exchange.onnx.reading.values import Levels, Pixels, Real, Value

__all__ = ["NODES"]

_MOST = 15
"""Thresholds of an activation: as many as four bits have."""


def _bipolar(call: Call) -> Value:
    signs = Levels.of(call.real(), np.zeros((1, 1)), (1.0,), 0.0)
    return with_constant(call, "multiply", signs, call.constant(1, "scale").astype(np.float32))


def _quant(call: Call) -> Value:
    quantiser = quantised(call)
    source = call.real()
    scale, zero = quantiser.scale, quantiser.zero
    if zero.size != 1:
        call.refuse("has a zero point for each channel", "one for all is read")
    middle = (quantiser.levels[0] + quantiser.levels[-1]) / 2 - float(zero)
    count = len(quantiser.levels) - 1
    if count > _MOST:
        by_channel = _by_channel(call, source, scale)
        table = replace(quantiser, scale=by_channel).level
        shift = np.float32(zero)
        whole = _of_pixel(call, source, lambda pixels: table(pixels) - shift, quantiser.bits)
        return with_constant(call, "multiply", whole, scale)
    limits = replace(quantiser, scale=_by_channel(call, source, scale)[:, 0]).thresholds()
    step = (quantiser.levels[1] - quantiser.levels[0]) / 2
    levels = Levels.of(source, limits, (step,) * count, middle)
    return with_constant(call, "multiply", levels, scale)


def _by_channel(call: Call, source: Real, scale: Array) -> Array:
    """The scale as (1, 1) or (channels, 1)."""
    shape = (*(1,) * (len(source.shape) - scale.ndim), *scale.shape)
    if scale.size != 1 and scale.size != shape[1]:
        call.refuse("has other scales than one for each channel, or one for all")
    return scale.reshape(-1, 1)


def _of_pixel(call: Call, source: Real, level: Callable[[Array], Array], bits: int) -> Real:
    """A quantiser of many levels, of what is a function of the pixel: a table."""
    builder, settings = call.builder, call.settings
    pixels = builder.pixels.get(source.name)
    if pixels is None:
        call.refuse(
            f"quantises to {bits} bits what is no function of a pixel alone",
            "activations have up to 4 bits here",
        )
    values = level(pixels.table)
    channels = None if len(values) == 1 else len(values)
    args = {"channels": channels, "mean": list(settings.mean), "std": list(settings.std)}
    tensors = {"values": values[0] if channels is None else values}
    result = call.emit("pixel_table", builder.image, args=args, tensors=tensors)
    builder.pixels[result.name] = Pixels(values)
    for op, sizes in pixels.moves if channels is None else ():
        move = builder.permute if op == "permute" else builder.reshape
        result = move(result, sizes)
    return result


def _multi_threshold(call: Call) -> Value:
    source, limits = call.real(), call.constant(1, "thresholds").astype(np.float32)
    scale, bias = (float(call.attribute(f"out_{key}", first)) for key, first in _OUT)
    rank = len(source.shape)
    is_last = call.attribute("data_layout", "NCHW") == "NHWC" or rank not in (2, 4)
    axis = rank - 1 if is_last else 1
    if limits.ndim != 2 or len(limits) not in (1, source.shape[axis]) or scale == 0:
        call.refuse(f"has thresholds of shape {limits.shape} for values of {source.shape}")
    count = limits.shape[1]
    if count > _MOST:
        if axis != 1:
            call.refuse("has more than 15 thresholds, of values with channels last")

        def level(pixels: Array) -> Array:
            return np.asarray((pixels[:, :, None] >= limits[:, None, :]).sum(2), np.float32)

        whole = _of_pixel(call, source, level, count.bit_length())
        product = with_constant(call, "multiply", whole, np.array(scale, np.float32))
        return with_constant(call, "add", product, np.array(bias, np.float32))  # type: ignore[arg-type]
    steps = Levels.of(source, limits.T, (0.5,) * count, count / 2, axis=axis)
    return steps.affine(scale, bias)


_OUT = (("scale", 1.0), ("bias", 0.0))

NODES: dict[str, Callable[[Call], Value]] = {
    "BipolarQuant": _bipolar,
    "IntQuant": _quant,
    "MultiThreshold": _multi_threshold,
    "Quant": _quant,
}
