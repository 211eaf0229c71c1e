"""Pooling, maxima and means over the map, and means of the channels' magnitudes."""

from __future__ import annotations

from signbit.bitformat.graph import Pair
from signbit.compiler.ir import Node
from signbit.compiler.mapping.convolution import both_sides
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS"]


def _max_pool2d(call: Call) -> Node:
    source, dilation = call.value("self"), call.pair("dilation")
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
        padding=both_sides(call.pair("padding")),
        dilation=dilation,
        ceil=bool(call.arguments["ceil_mode"]),
    )


def _avg_pool2d(call: Call) -> Node:
    if call.arguments["divisor_override"] is not None:
        raise call.refuse(
            "has a divisor of its own",
            "the engine divides by the number of taps: multiply the result by a constant instead",
        )
    source, padding = call.real("self"), call.pair("padding")
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
    kernel, padding = list(call.pair("kernel_size")), call.pair("padding")
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
    return call.pair("stride") if call.arguments["stride"] else call.pair("kernel_size")


def _adaptive_avg_pool2d(call: Call) -> Node:
    source = call.real("self")
    if call.shape()[:2] == (1, 1):
        return call.add("global_mean", source)
    kernel = _equal_windows(call, source, "averages")
    return call.add("avg_pool", source, kernel=kernel, stride=kernel)


def _adaptive_max_pool2d(call: Call) -> Node:
    source = call.value("self")
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
    dim, rank = call.arguments["dim"], len(call.sizes("self")) + 1
    dimensions = {each % rank for each in ([dim] if isinstance(dim, int) else dim)}
    kernel = _whole(call, source, dimensions, "takes the maximum of")
    if kernel == source.shape[:2]:
        return call.add("global_max", source)
    return call.add("max_pool", source, kernel=kernel, stride=kernel)


def _whole(call: Call, source: Node, dimensions: set[int], verb: str) -> Pair:
    """The window that covers these dimensions of a map, which are height, width or both."""
    if len(call.sizes("self")) != 3 or not dimensions or not dimensions <= {2, 3}:
        raise call.refuse(f"{verb} something other than height and width of a map (dim=(2, 3))")
    height = source.shape.height if 2 in dimensions else 1
    width = source.shape.width if 3 in dimensions else 1
    return height, width


def _mean(call: Call) -> Node:
    sizes = call.sizes("self")
    dimensions = {dim % (len(sizes) + 1) for dim in call.arguments["dim"] or ()}
    if dimensions == {1} and call.arguments["keepdim"]:
        return _mean_abs(call)
    source = call.real("self")
    kernel = _whole(call, source, dimensions, "averages")
    if kernel == source.shape[:2]:
        return call.add("global_mean", source)
    return call.add("avg_pool", source, kernel=kernel, stride=kernel)


def _mean_abs(call: Call) -> Node:
    """The mean over the channels, of magnitudes: of x and of |x| they are the same."""
    magnitudes = call.real("self")
    step = magnitudes.only_step
    if step is None or step.op != "prelu" or (step["slope"] != -1).any():
        raise call.refuse(
            "averages channels", "the engine averages only their magnitudes (x.abs())"
        )
    return call.add("mean_abs", call.tracer.graph[magnitudes.input])


MAPPINGS = {
    "aten.adaptive_max_pool2d.default": _adaptive_max_pool2d,
    "aten.amax.default": _amax,
    "aten.max.dim": _amax,
    "aten.max_pool2d.default": _max_pool2d,
    "aten.max_pool2d_with_indices.default": _max_pool2d,
    "aten.avg_pool2d.default": _avg_pool2d,
    "aten.adaptive_avg_pool2d.default": _adaptive_avg_pool2d,
    "aten.mean.dim": _mean,
}
