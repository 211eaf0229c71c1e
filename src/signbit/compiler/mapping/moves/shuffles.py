"""Channels that are shuffled by views: (C, H, W) as (groups, n, H, W), transposed, as (C, H, W).

The first two yield what the engine does not know, so all of a shuffle is looked at before its first
call is let through.
"""

from __future__ import annotations

from typing import Any

from torch.fx import Node as FxNode

from signbit.compiler.axes import order_of
from signbit.compiler.ir import Node
from signbit.compiler.mapping.moves.views import is_plain, permuted, settled, view_of
from signbit.compiler.mapping.tracer import Call

__all__ = ["COPIES", "MAPPINGS", "RESHAPES", "groups_of", "shuffled"]

COPIES = (
    "aten.alias.default",
    "aten.clone.default",
    "aten.contiguous.default",
    "aten.detach.default",
    "aten.lift_fresh_copy.default",
)

RESHAPES = (
    "aten._unsafe_view.default",
    "aten.flatten.using_ints",
    "aten.reshape.default",
    "aten.unflatten.int",
    "aten.unsqueeze.default",
    "aten.view.default",
)

_SWAPS = ("aten.permute.default", "aten.swapaxes.default", "aten.transpose.int")


def groups_of(call: Call) -> int:
    """The groups of the shuffle that a reshape or a transposition is a part of; 0 without one."""
    first = call.fx
    while len(_sizes(first.all_input_nodes[0])) == 4 and _target(first.all_input_nodes[0]) in (
        *RESHAPES,
        *COPIES,
        *_SWAPS,
    ):
        first = first.all_input_nodes[0]
    calls, before, parted = _calls_from(first), _sizes(first.all_input_nodes[0]), _sizes(first)
    if call.fx not in calls or len(before) != 3 or len(parted) != 4:
        return 0
    groups, each, *pixels = parted
    kept = (groups * each, *pixels) == before == _sizes(calls[-1])
    return groups if kept else 0


def _calls_from(first: FxNode) -> list[FxNode]:
    """A reshape, a swap of its first dimensions, copies and a reshape, each for the next alone."""
    calls = [first]
    while len(calls[-1].users) == 1:
        calls += calls[-1].users
        if len(calls) > 2 and _target(calls[-1]) in RESHAPES:
            return calls if _target(first) in RESHAPES and _swaps_groups(calls[1]) else []
        if len(calls) > 2 and _target(calls[-1]) not in COPIES:
            return []
    return []


def _swaps_groups(fx: FxNode) -> bool:
    """Whether a call exchanges the first two of the dimensions behind the batch, of five."""
    if _target(fx) not in _SWAPS:
        return False
    dims: Any = fx.args[1] if _target(fx) == "aten.permute.default" else fx.args[1:3]
    return [dim % 5 for dim in dims] in ([0, 2, 1, 3, 4], [1, 2], [2, 1])


def _target(fx: FxNode) -> str:
    return str(fx.target)


def _sizes(fx: FxNode) -> tuple[int, ...]:
    """Without the batch; none of what is no tensor."""
    return tuple(getattr(fx.meta.get("val"), "shape", ()))[1:]


def shuffled(call: Call, groups: int) -> Node:
    """The value of a part of a shuffle, which its last call shuffles."""
    source = call.value("self")
    if len(call.sizes()) == 4:
        return source
    return call.add("channel_shuffle", source, groups=groups)


def _swapped(call: Call) -> Node:
    """A shuffle's part, or the same value with its dimensions in another order."""
    if groups := groups_of(call):
        return shuffled(call, groups)
    dims = _permutation(call, len(call.arguments["self"].meta["val"].shape))
    if not is_plain(call):
        return settled(call, permuted(view_of(call, "self"), dims))
    before = "N" + order_of(call.arguments["self"])
    call.order = "".join(before[dim] for dim in dims[1:])
    return call.value("self")


def _permutation(call: Call, rank: int) -> list[int]:
    """Where each dimension of the result was."""
    if "dims" in call.arguments:
        return [dim % rank for dim in call.arguments["dims"]]
    dims = list(range(rank))
    names = ("dim0", "dim1") if "dim0" in call.arguments else ("axis0", "axis1")
    first, second = (call.arguments[name] % rank for name in names)
    dims[first], dims[second] = second, first
    return dims


MAPPINGS = dict.fromkeys(_SWAPS, _swapped)
