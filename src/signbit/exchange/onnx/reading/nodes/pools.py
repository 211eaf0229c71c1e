"""Pools and means over a map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from signbit.exchange.onnx.reading.call import Call
from signbit.exchange.onnx.reading.nodes.windows import both_sides, padded, sides_of
from signbit.exchange.onnx.reading.values import Const, Levels, Real, Value

__all__ = ["NODES"]


def _window(call: Call, shape: tuple[int, ...]) -> tuple[dict[str, Any], tuple[int, int, int, int]]:
    """The arguments of a pool, without padding, and its sides."""
    kernel = call.pairs("kernel_shape", ())
    if len(shape) != 4 or len(kernel) != 2:
        call.refuse(f"pools values of {len(shape)} dims", "pools of maps are read")
    stride = call.pairs("strides", (1, 1))
    args: dict[str, Any] = {"kernel": list(kernel), "stride": list(stride)}
    args["ceil"] = bool(call.attribute("ceil_mode", 0))
    dilation = call.pairs("dilations", (1, 1))
    if call.node.op == "MaxPool":
        args["dilation"] = list(dilation)
    elif dilation != (1, 1):
        call.refuse("has gaps in its window")
    return args, sides_of(call, shape[2:], kernel, stride, dilation)


def _max_pool(call: Call) -> Value:
    if len(call.node.outputs) > 1:
        call.refuse("yields places, too", "leave its second output out")
    given = call.value()
    assert not isinstance(given, Const)
    args, sides = _window(call, given.shape)
    padding = both_sides(sides)
    kernel = args["kernel"]
    if padding is None or any(
        2 * each > width for each, width in zip(padding, kernel, strict=True)
    ):
        call.refuse(f"pads by {list(sides)}", "sides alike, of half a window at most, are read")
    args["padding"] = list(padding)

    def pooled(source: Real) -> Real:
        return call.emit("max_pool", source, args=args)

    # The highest of few levels is the level of the highest.
    if isinstance(given, Levels) and given.rises and given.axis == 1:
        return replace(given, source=pooled(given.source))
    return pooled(call.real())


def _average_pool(call: Call) -> Value:
    real = call.real()
    args, sides = _window(call, real.shape)
    padding, counts = both_sides(sides), bool(call.attribute("count_include_pad", 0))
    if padding is None:
        if not counts:
            call.refuse(f"pads by {list(sides)} and does not count them")
        real, padding = padded(call, real, sides), (0, 0)
    args |= {"padding": list(padding), "count_padding": counts}
    return call.emit("average_pool", real, args=args)


def _global_average(call: Call) -> Value:
    real = call.real()
    dims = list(range(2, len(real.shape)))
    return call.emit("mean", real, args={"dims": dims, "keep": True})


def _global_max(call: Call) -> Value:
    real = call.real()
    if len(real.shape) != 4:
        call.refuse(f"pools values of {len(real.shape)} dims")
    size = list(real.shape[2:])
    return call.emit("max_pool", real, args={"kernel": size, "stride": size})


def _mean(call: Call) -> Value:
    real = call.real()
    rank = len(real.shape)
    axes = call.option("axes", 1)
    if not axes:
        if call.attribute("noop_with_empty_axes", 0):
            return real
        call.refuse("takes the mean over images, too")
    args = {
        "dims": sorted(call.dim(axis, rank) for axis in axes),
        "keep": bool(call.attribute("keepdims", 1)),
    }
    return call.emit("mean", real, args=args)


NODES: dict[str, Callable[[Call], Value]] = {
    "AveragePool": _average_pool,
    "GlobalAveragePool": _global_average,
    "GlobalMaxPool": _global_max,
    "MaxPool": _max_pool,
    "ReduceMean": _mean,
}
