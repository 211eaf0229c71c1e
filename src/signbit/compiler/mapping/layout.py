"""Operations that only move values: reshapes, slices, padding with channels, and copies."""

from __future__ import annotations

from signbit.compiler.ir import Node
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS"]


def _same(call: Call) -> Node:
    return call.value("self" if "self" in call.arguments else "input")


def _dropout(call: Call) -> Node:
    if call.arguments["train"]:
        raise call.refuse("drops values at random; put the model into evaluation mode")
    return _same(call)


def _to_dtype(call: Call) -> Node:
    before, after = call.arguments["self"].meta["val"], call.fx.meta["val"]
    if before.dtype != after.dtype:
        raise call.refuse(
            f"changes {before.dtype} to {after.dtype}; the engine's reals are float32"
        )
    return _same(call)


def _reshape(call: Call) -> Node:
    source = call.value("self")
    before, after = call.sizes("self"), call.sizes()
    if after == before or call.shape() == source.shape:
        return source
    if len(before) == 3 and len(after) == 1:
        return call.add("flatten_chw", source)
    if source.op == "flatten_chw" and call.shape() == call.tracer.graph[source.input].shape:
        return call.tracer.graph[source.input]
    raise call.refuse(f"reshapes {before} to {after} for each image; the engine only flattens maps")


def _squeeze(call: Call) -> Node:
    dim, rank = call.arguments["dim"], len(call.sizes("self")) + 1
    if 0 in {each % rank for each in ([dim] if isinstance(dim, int) else dim)}:
        raise call.refuse("drops the dimension of the images where there is one alone")
    return _reshape(call)


def _slice(call: Call) -> Node:
    source = call.value("self")
    dim, sizes = call.arguments["dim"], call.sizes("self")
    dim = dim % (len(sizes) + 1)
    start, end, step = call.arguments["start"] or 0, call.arguments["end"], call.arguments["step"]
    size = None if dim == 0 else sizes[dim - 1]
    whole = start == 0 and (end is None or (size is None and end >= 2**62) or _covers(end, size))
    if whole and step == 1:
        return source
    if not whole or dim < 2:
        raise call.refuse(
            "takes a part; the engine's shortcuts take every n-th row and column of a map"
        )
    stride = (step, 1) if dim == 2 else (1, step)
    return call.add("view", source, stride=stride)


def _covers(end: int, size: int | None) -> bool:
    return size is not None and end >= size


def _pad(call: Call) -> Node:
    source = call.value("self")
    amounts = list(call.arguments["pad"])
    if not any(amounts):
        return source
    amounts += [0] * (6 - len(amounts))
    constant = call.arguments["mode"] == "constant" and not call.arguments["value"]
    *inside, before, after = amounts
    if not constant or len(amounts) != 6 or any(inside) or min(before, after) < 0:
        raise call.refuse(
            "pads with something other than zero channels; the engine pads rows and columns only "
            "as a convolution's own padding, with zeros"
        )
    # A zero is no sign: what signs and zeros make are reals.
    return call.add("view", call.as_real(source), zeros=before)


def _cat(call: Call) -> Node:
    sizes = call.sizes()
    if call.arguments["dim"] % (len(sizes) + 1) != 1:
        raise call.refuse("joins values along something other than their channels")
    return call.add("concat", *call.values("tensors"))


_COPIES = (
    "aten.alias.default",
    "aten.clone.default",
    "aten.contiguous.default",
    "aten.detach.default",
    "aten.lift_fresh_copy.default",
)

_RESHAPES = (
    "aten._unsafe_view.default",
    "aten.expand.default",
    "aten.flatten.using_ints",
    "aten.reshape.default",
    "aten.unflatten.int",
    "aten.unsqueeze.default",
    "aten.view.default",
)

MAPPINGS = {
    **dict.fromkeys(_COPIES, _same),
    **dict.fromkeys(_RESHAPES, _reshape),
    "aten._to_copy.default": _to_dtype,
    "aten.cat.default": _cat,
    "aten.to.dtype": _to_dtype,
    "aten.dropout.default": _dropout,
    "aten.pad.default": _pad,
    "aten.constant_pad_nd.default": _pad,
    "aten.slice.Tensor": _slice,
    "aten.squeeze.dim": _squeeze,
    "aten.squeeze.dims": _squeeze,
}
