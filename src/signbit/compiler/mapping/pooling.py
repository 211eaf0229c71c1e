"""Pooling, and means over the map or of the channels' magnitudes."""

from __future__ import annotations

from signbit.bitformat.graph import Pair
from signbit.compiler.ir import Node
from signbit.compiler.mapping.convolution import both_sides
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS"]


def _max_pool2d(call: Call) -> Node:
    _check_whole_windows(call)
    if call.pair("dilation") != (1, 1):
        raise call.refuse("has a dilation; the engine pools neighbours only")
    return call.add(
        "max_pool",
        call.value("self"),
        kernel=call.pair("kernel_size"),
        stride=_stride(call),
        padding=both_sides(call.pair("padding")),
    )


def _avg_pool2d(call: Call) -> Node:
    _check_whole_windows(call)
    if call.pair("padding") != (0, 0) or call.arguments["divisor_override"] is not None:
        raise call.refuse("has padding or a divisor of its own; the engine averages whole windows")
    kernel = call.pair("kernel_size")
    return call.add("avg_pool", call.real("self"), kernel=kernel, stride=_stride(call))


def _stride(call: Call) -> Pair:
    return call.pair("stride") if call.arguments["stride"] else call.pair("kernel_size")


def _check_whole_windows(call: Call) -> None:
    if call.arguments["ceil_mode"]:
        raise call.refuse("has ceil_mode=True; the engine pools whole windows only")


def _adaptive_avg_pool2d(call: Call) -> Node:
    source = call.real("self")
    before, after = source.shape[:2], call.shape()[:2]
    if after == (1, 1):
        return call.add("global_mean", source)
    kernel = before[0] // after[0], before[1] // after[1]
    if (kernel[0] * after[0], kernel[1] * after[1]) != before:
        raise call.refuse(f"averages {before} to {after}, windows of different sizes")
    return call.add("avg_pool", source, kernel=kernel, stride=kernel)


def _mean(call: Call) -> Node:
    sizes = call.sizes("self")
    dimensions = {dim % (len(sizes) + 1) for dim in call.arguments["dim"] or ()}
    if dimensions == {1} and call.arguments["keepdim"]:
        return _mean_abs(call)
    if len(sizes) != 3 or dimensions != {2, 3}:
        raise call.refuse("averages something other than height and width of a map (dim=(2, 3))")
    return call.add("global_mean", call.real("self"))


def _mean_abs(call: Call) -> Node:
    """The mean over the channels, of magnitudes: of x and of |x| they are the same."""
    magnitudes = call.real("self")
    step = magnitudes.only_step
    if step is None or step.op != "prelu" or (step["slope"] != -1).any():
        raise call.refuse("averages channels; the engine averages only their magnitudes (x.abs())")
    return call.add("mean_abs", call.tracer.graph[magnitudes.input])


MAPPINGS = {
    "aten.max_pool2d.default": _max_pool2d,
    "aten.avg_pool2d.default": _avg_pool2d,
    "aten.adaptive_avg_pool2d.default": _adaptive_avg_pool2d,
    "aten.mean.dim": _mean,
}
