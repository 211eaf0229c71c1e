"""Pixels repeated, left out, or exchanged for channels. Values move and are not rounded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch.fx import Node as FxNode

from signbit.bitformat.graph import Pair
from signbit.compiler.ir import Node
from signbit.compiler.mapping.moves.joins import picked
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS", "subsampled"]


def subsampled(call: Call, source: Node, axis: int, taken: range) -> Node:
    """These of a map's rows (axis 0) or columns (axis 1), every n-th from the first one."""
    size = source.shape[axis]
    if taken.start != 0 or len(taken) != -(-size // taken.step):
        raise call.refuse(
            "takes a part of the rows or columns of a map",
            "the engine takes every n-th of all (x[:, :, ::n, ::n])",
        )
    return _view(call, source, (taken.step, 1) if axis == 0 else (1, taken.step))


def _view(call: Call, source: Node, stride: Pair) -> Node:
    return call.add("view", source, stride=stride)


def _nearest(call: Call) -> Node:
    """Every pixel several times, every n-th one, or those that PyTorch takes."""
    source = call.map("input" if "input" in call.arguments else "self")
    places = [_places(call, source, axis) for axis in (0, 1)]
    before, after = source.shape[:2], call.shape()[:2]
    pairs = list(zip(before, after, strict=True))
    factor, stride = ([max(1, a // b) for a, b in each] for each in (map(reversed, pairs), pairs))
    if places == [[k // n for k in range(new)] for n, new in zip(factor, after, strict=True)]:
        return _upsampled(call, source, (factor[0], factor[1]))
    if places == [list(range(0, old, n)) for n, old in zip(stride, before, strict=True)]:
        return _view(call, source, (stride[0], stride[1]))
    for axis, taken in enumerate(places):
        if taken != list(range(before[axis])):
            source = picked(call, source, axis, taken)
    return call.yields(source)


def _places(call: Call, source: Node, axis: int) -> list[int]:
    """Which rows (axis 0) or columns (axis 1) PyTorch takes: it divides in floats."""
    ramp = torch.arange(source.shape[axis], dtype=torch.float32)
    image = ramp[:, None] if axis == 0 else ramp
    like = torch.broadcast_to(image, (1, 1, *source.shape[:2])).contiguous()
    like = like if len(call.sizes()) == 3 else like[:, :, 0]
    arguments: Any = torch.fx.map_arg(call.fx.args, lambda fx: _filled(fx, like))
    function = cast("Callable[..., torch.Tensor]", call.fx.target)
    found = function(*arguments, **call.fx.kwargs)[0, 0]
    found = found if found.dim() == 2 else found[None]
    taken: list[int] = (found[:, 0] if axis == 0 else found[0]).int().tolist()
    return taken


def _filled(fx: FxNode, value: torch.Tensor) -> torch.Tensor:
    """The one tensor that the operation reads."""
    return value


def _upsampled(call: Call, source: Node, factor: Pair) -> Node:
    return source if factor == (1, 1) else call.add("upsample", source, factor=factor)


def _repeat_interleave(call: Call) -> Node:
    source, count = call.value("self"), call.arguments["repeats"]
    dim = call.arguments["dim"]
    if dim is None or call.axis(dim) not in ("H", "W"):
        raise call.refuse(
            "repeats something other than rows or columns of a map, each in its place"
        )
    return _upsampled(call, source, (count, 1) if call.axis(dim) == "H" else (1, count))


def _pixel_shuffle(call: Call) -> Node:
    return _shuffled(call, "depth_to_space", call.arguments["upscale_factor"])


def _pixel_unshuffle(call: Call) -> Node:
    return _shuffled(call, "space_to_depth", call.arguments["downscale_factor"])


def _shuffled(call: Call, op: str, block: int) -> Node:
    """Both sides have channel c·block² + dy·block + dx at (dy, dx) of the square."""
    source = call.map("self")
    return source if block == 1 else call.add(op, source, block=block)


MAPPINGS = {
    "aten._upsample_nearest_exact2d.default": _nearest,
    "aten._upsample_nearest_exact2d.vec": _nearest,
    "aten.pixel_shuffle.default": _pixel_shuffle,
    "aten.pixel_unshuffle.default": _pixel_unshuffle,
    "aten.repeat_interleave.self_int": _repeat_interleave,
    "aten._upsample_nearest_exact1d.vec": _nearest,
    "aten.upsample_nearest1d.vec": _nearest,
    "aten.upsample_nearest2d.default": _nearest,
    "aten.upsample_nearest2d.vec": _nearest,
}
