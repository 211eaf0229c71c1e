"""Pooling, maxima and means over the map, and means of the channels' magnitudes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from signbit.bitformat.graph import Pair
from signbit.compiler.axes import order_of
from signbit.compiler.ir import Node, Shape
from signbit.compiler.mapping.layers.convolution import both_sides
from signbit.compiler.mapping.layers.interpolation import resized
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS"]


def _max_pool2d(call: Call) -> Node:
    source, dilation = call.map("self"), call.window("dilation", 1)
    kernel = _kernel(call, source, dilation)
    for axis in (0, 1):
        if kernel[axis] > 1 and dilation[axis] > source.shape[axis]:
            raise call.refuse(
                f"has a dilation of {dilation[axis]} on {source.shape[axis]} pixels",
                "the engine's "
                "windows have a tap inside the map each: take a dilation no larger than the map",
            )
    return call.add(
        "max_pool",
        source,
        kernel=kernel,
        stride=_stride(call),
        padding=both_sides(call.window("padding", 0)),
        dilation=dilation,
        ceil=bool(call.arguments["ceil_mode"]),
    )


def _avg_pool2d(call: Call) -> Node:
    if call.arguments.get("divisor_override") is not None:
        raise call.refuse(
            "has a divisor of its own",
            "the engine divides by the number of taps: multiply the result by a constant instead",
        )
    source, padding = call.real_map("self"), call.window("padding", 0)
    return call.add(
        "avg_pool",
        source,
        kernel=_kernel(call, source, (1, 1)),
        stride=_stride(call),
        padding=both_sides(padding),
        ceil=bool(call.arguments["ceil_mode"]),
        count_padding=bool(call.arguments["count_include_pad"]) and any(padding),
    )


def _kernel(call: Call, source: Node, dilation: Pair) -> Pair:
    """The window, or of a larger one, which PyTorch allows with ceil_mode, what lies on the map."""
    kernel, padding = list(call.window("kernel_size", 1)), call.window("padding", 0)
    for axis in (0, 1):
        room = source.shape[axis] + 2 * padding[axis]
        if dilation[axis] * (kernel[axis] - 1) >= room:
            if dilation[axis] > 1 or call.tracer.any_size:
                raise call.refuse(
                    f"has a window larger than the {room} rows or columns that it pools",
                    "take a smaller one",
                )
            kernel[axis] = room
    return kernel[0], kernel[1]


def _stride(call: Call) -> Pair:
    return call.window("stride" if call.arguments["stride"] else "kernel_size", 1)


def _adaptive_avg_pool2d(call: Call) -> Node:
    source = call.real_map("self")
    if call.shape()[:2] == (1, 1):
        return call.add("global_mean", source)
    before, after = source.shape[:2], call.shape()[:2]
    if any(size % new for size, new in zip(before, after, strict=True)):
        return resized(call, source, [_means(*sizes) for sizes in zip(before, after, strict=True)])
    kernel = _equal_windows(call, source, "averages")
    return call.add("avg_pool", source, kernel=kernel, stride=kernel)


def _means(size: int, new: int) -> npt.NDArray[np.float64]:
    """The matrix of the means that PyTorch takes along an axis, (new, size)."""
    windows = F.adaptive_avg_pool1d(torch.eye(size)[:, None], new)
    matrix: npt.NDArray[np.float64] = windows[:, 0].T.double().numpy()
    return matrix


def _adaptive_max_pool2d(call: Call) -> Node:
    source = call.map("self")
    if call.shape()[:2] == (1, 1):
        return call.add("global_max", source)
    kernel = _equal_windows(call, source, "pools")
    return call.add("max_pool", source, kernel=kernel, stride=kernel)


def _equal_windows(call: Call, source: Node, verb: str) -> Pair:
    before, after = source.shape[:2], call.shape()[:2]
    kernel = before[0] // after[0], before[1] // after[1]
    if (kernel[0] * after[0], kernel[1] * after[1]) != before:
        sizes = "{}×{} to {}×{} pixels".format(*before, *after)
        raise call.refuse(
            f"{verb} {sizes}, by windows of different sizes",
            "the engine pools to sizes that divide the map's",
        )
    return kernel


def _amax(call: Call) -> Node:
    """The maximum of all pixels; of a row or a column of them, the windows of a pool."""
    source = call.value("self")
    dim = call.arguments["dim"]
    dims = [dim] if isinstance(dim, int) else dim
    if _are_channels(call, dims):
        turned, (height, width, channels) = call.exchanged(source), source.shape
        window, shape = (1, channels), Shape(height, 1, width)
        pooled = call.add(
            "max_pool", turned, part="largest", shape=shape, kernel=window, stride=window
        )
        return call.yields(call.exchanged(pooled))
    kernel = _whole(call, source, dims, "takes the maximum of")
    if kernel == source.shape[:2]:
        return call.add("global_max", source)
    return call.add("max_pool", source, kernel=kernel, stride=kernel)


def _whole(call: Call, source: Node, dims: Sequence[int], verb: str) -> Pair:
    """The window that covers these dimensions of a map, which are height, width or both.

    The result has the others, or all of them.
    """
    axes = {call.axis(dim) for dim in dims}
    if not axes or not axes <= {"H", "W"}:
        raise call.refuse(
            f"{verb} something other than height and width of a map (dim=(2, 3))",
            "write x.mean((2, 3)), or x.amax((2, 3))",
        )
    before = order_of(call.arguments["self"])
    left = "".join(axis for axis in before if axis not in axes)
    call.order = before if call.arguments["keepdim"] else left
    height = source.shape.height if "H" in axes or "H" not in before else 1
    width = source.shape.width if "W" in axes or "W" not in before else 1
    return height, width


def _mean(call: Call) -> Node:
    dims = call.arguments["dim"] or ()
    source = call.real("self")
    if _are_channels(call, dims):
        return _mean_of_channels(call, source)
    kernel = _whole(call, source, dims, "averages")
    if kernel == source.shape[:2]:
        return call.add("global_mean", source)
    return call.add("avg_pool", source, kernel=kernel, stride=kernel)


def _are_channels(call: Call, dims: Sequence[int]) -> bool:
    """Whether these dimensions are the channels, which then the result has or has not."""
    if {call.axis(dim) for dim in dims} != {"C"}:
        return False
    before = order_of(call.arguments["self"])
    call.order = before if call.arguments["keepdim"] else before.replace("C", "")
    return True


def _mean_of_channels(call: Call, source: Node) -> Node:
    """One channel: of magnitudes an operation of its own, the same for x and for |x|."""
    step = source.only_step
    if step is not None and step.op == "prelu" and (step["slope"] == -1).all():
        return call.add("mean_abs", call.tracer.graph[source.input])
    channels = source.shape.channels
    return call.add("real_conv", source, weight=np.full((1, 1, 1, channels), 1 / channels))


MAPPINGS = {
    "aten.adaptive_avg_pool1d.default": _adaptive_avg_pool2d,
    "aten.adaptive_max_pool1d.default": _adaptive_max_pool2d,
    "aten.avg_pool1d.default": _avg_pool2d,
    "aten.max_pool1d.default": _max_pool2d,
    "aten.max_pool1d_with_indices.default": _max_pool2d,
    "aten.adaptive_max_pool2d.default": _adaptive_max_pool2d,
    "aten.amax.default": _amax,
    "aten.max.dim": _amax,
    "aten.max_pool2d.default": _max_pool2d,
    "aten.max_pool2d_with_indices.default": _max_pool2d,
    "aten.avg_pool2d.default": _avg_pool2d,
    "aten.adaptive_avg_pool2d.default": _adaptive_avg_pool2d,
    "aten.mean.dim": _mean,
}
