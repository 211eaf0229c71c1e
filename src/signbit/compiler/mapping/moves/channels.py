"""Some channels, rows or columns of a value, and channels in another order. Signs stay bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

from signbit.compiler.ir import Node
from signbit.compiler.mapping.moves.layout import reshape
from signbit.compiler.mapping.moves.pixels import subsampled
from signbit.compiler.mapping.moves.views import (
    is_plain,
    narrowed,
    settled,
    settled_each,
    view_of,
)
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS"]


def _slice(call: Call) -> Node:
    """Channels side by side; every n-th row or column; any others side by side; or all."""
    shape = call.arguments["self"].meta["val"].shape
    dim = call.arguments["dim"] % len(shape)
    start, end, step = (call.arguments[name] for name in ("start", "end", "step"))
    if not isinstance(shape[dim], int):
        if start not in (None, 0) or (end is not None and end < 2**62) or step != 1:
            raise call.refuse("takes some of the images", "the engine answers for each of them")
        view = None if is_plain(call) else view_of(call, "self")
        return settled(call, view) if view else call.value("self")
    taken = range(*slice(start, end, step).indices(shape[dim]))
    if len(taken) == 0:
        raise call.refuse("takes nothing")
    if not is_plain(call):
        return settled(call, narrowed(call, view_of(call, "self"), dim, taken))
    source, axis = call.value("self"), call.axis(dim)
    if len(taken) == shape[dim]:
        return source
    if axis == "C":
        return _channels(call, source, taken)
    if taken.step == 1 and not call.tracer.any_size:
        return settled(call, narrowed(call, view_of(call, "self"), dim, taken))
    return subsampled(call, source, "HW".index(axis), taken)


def _channels(call: Call, source: Node, taken: range) -> Node:
    if taken.step != 1 and len(taken) > 1:
        raise call.refuse(
            f"takes every {taken.step}-th channel",
            "the engine takes channels that lie side by side "
            "(x[:, a:b]): put the filters of the layer in front in another order",
        )
    shape = source.shape._replace(channels=len(taken))
    return call.add("slice", source, shape=shape, first=taken[0], count=len(taken))


def _split(call: Call) -> list[Node]:
    dim = call.arguments["dim"] % len(call.arguments["self"].meta["val"].shape)
    sizes = [value.shape[dim] for value in call.fx.meta["val"]]
    if not all(isinstance(size, int) for size in sizes):
        raise call.refuse("splits a value into parts of sizes that are not fixed")
    if 0 in sizes:
        raise call.refuse("has a part of size 0")
    ends = list(accumulate(sizes))
    parts = [range(end - size, end) for end, size in zip(ends, sizes, strict=True)]
    if is_plain(call) and call.axis(dim) == "C":
        source = call.value("self")
        return [_channels(call, source, part) for part in parts] if parts[1:] else [source]
    view = view_of(call, "self")
    return settled_each(call, [narrowed(call, view, dim, part) for part in parts])


def _unbind(call: Call) -> list[Node]:
    shape = call.arguments["self"].meta["val"].shape
    dim, view = call.arguments["dim"] % len(shape), view_of(call, "self")
    if not isinstance(shape[dim], int):
        raise call.refuse("takes single images", "the engine answers for each of them")
    taken = (range(k, k + 1) for k in range(shape[dim]))
    return settled_each(call, [narrowed(call, view, dim, each, drops=True) for each in taken])


def _select(call: Call) -> Node:
    """One of a dimension, which goes: where it has no other, the value stays what it is."""
    shape = call.arguments["self"].meta["val"].shape
    dim, index = call.arguments["dim"] % len(shape), call.arguments["index"]
    if not isinstance(shape[dim], int):
        raise call.refuse("takes one of the images", "the engine answers for each of them")
    if shape[dim] == 1 and is_plain(call):
        return reshape(call)
    if not isinstance(index, int):
        raise call.refuse(f"takes a place that is not fixed: {index}")
    taken = range(index % shape[dim], index % shape[dim] + 1)
    return settled(call, narrowed(call, view_of(call, "self"), dim, taken, drops=True))


def _shuffle(call: Call) -> Node:
    return call.add("channel_shuffle", call.map("self"), groups=call.arguments["groups"])


def _order(call: Call) -> Node:
    raise call.refuse(
        "puts channels in another order",
        "the engine takes channels that lie side by side "
        "(x[:, a:b]) and joins them (torch.cat): put the filters of the layers around it in that "
        "order instead",
    )


MAPPINGS: dict[str, Callable[[Call], Node | Sequence[Node]]] = {
    "aten.channel_shuffle.default": _shuffle,
    "aten.index.Tensor": _order,
    "aten.index_select.default": _order,
    "aten.select.int": _select,
    "aten.slice.Tensor": _slice,
    "aten.split.Tensor": _split,
    "aten.split_with_sizes.default": _split,
    "aten.unbind.int": _unbind,
}
