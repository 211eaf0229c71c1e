"""Operations that keep all values and their order: reshapes and copies."""

from __future__ import annotations

from signbit.compiler.axes import order_of, reordered, rows_of
from signbit.compiler.ir import Node
from signbit.compiler.mapping.moves.shuffles import COPIES, RESHAPES, groups_of, shuffled
from signbit.compiler.mapping.moves.views import (
    BATCH,
    flat,
    is_plain,
    regrouped,
    settled,
    sizes_of,
    view_of,
)
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS", "reshape"]


def _same(call: Call) -> Node:
    return call.value("self" if "self" in call.arguments else "input")


def _copy(call: Call) -> Node:
    return _same(call) if is_plain(call) else settled(call, view_of(call, "self"))


def _dropout(call: Call) -> Node:
    if call.arguments["train"]:
        raise call.refuse_training(
            "drops values at random",
            "put the model into evaluation mode: F.dropout(x, p, training=self.training)",
        )
    return call.value("input") if is_plain(call, "input") else settled(call, view_of(call, "input"))


def _to_dtype(call: Call) -> Node:
    before, after = call.arguments["self"].meta["val"], call.fx.meta["val"]
    if before.dtype != after.dtype:
        raise call.refuse(
            f"changes {before.dtype} to {after.dtype}", "the engine's reals are float32"
        )
    return _same(call)


def reshape(call: Call) -> Node:
    """The value in another shape, where the engine knows both: a flattened map, or 1s that come or
    go.

    Of a shuffle by views it is what `shuffled` says, of other dimensions what `views` make of it.
    """
    if groups := groups_of(call):
        return shuffled(call, groups)
    if not is_plain(call):
        return _viewed(call)
    source = call.value("self")
    before, after = call.sizes("self"), call.sizes()
    order = order_of(call.arguments["self"])
    if (new := reordered(before, order, after)) is not None:
        call.order = new
        return source
    if len(after) == 1 and order in ("CHW", "CW"):
        return call.add("flatten_chw", source)
    if len(after) == 1 and order in ("HWC", "WC"):
        return call.add("flatten", source)
    if source.op == "flatten_chw" and call.shape() == call.tracer.graph[source.input].shape:
        return call.tracer.graph[source.input]
    if rows := rows_of(before, order, after):
        call.order = rows[1]
        return call.add("reshape", source, rows=rows[0], count=source.shape.channels)
    return _viewed(call)


def _viewed(call: Call) -> Node:
    """A view of the value, whose memory moves where it must."""
    sizes, view = sizes_of(call, call.fx), view_of(call, "self")
    found = regrouped(view, sizes)
    if found is None and sizes[0] != (1, True):
        raise call.refuse("does not keep one result for each image as its first dimension")
    if found is None and BATCH in view.dims[0]:
        found = regrouped(flat(call, view), sizes)
    if found is None:
        shapes = [tuple(fx.meta["val"].shape) for fx in (call.arguments["self"], call.fx)]
        raise call.refuse("reshapes {} to {}".format(*shapes), "the engine only flattens maps")
    return settled(call, found)


def _squeeze(call: Call) -> Node:
    dim, shape = call.arguments["dim"], call.arguments["self"].meta["val"].shape
    dims = [dim] if isinstance(dim, int) else dim
    if not all(isinstance(shape[each], int) for each in dims):
        raise call.refuse("drops the dimension of the images where there is one alone")
    return reshape(call)


MAPPINGS = {
    **dict.fromkeys(COPIES, _copy),
    **dict.fromkeys(RESHAPES, reshape),
    "aten._to_copy.default": _to_dtype,
    "aten.to.dtype": _to_dtype,
    "aten.dropout.default": _dropout,
    "aten.squeeze.dim": _squeeze,
    "aten.squeeze.dims": _squeeze,
}
