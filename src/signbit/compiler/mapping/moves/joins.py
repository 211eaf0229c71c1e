"""Values joined along their channels, rows or columns, with one another and with constants.

Signs stay bits, but for those that are joined with reals.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.bitformat.table import LIMITS
from signbit.compiler.axes import as_map, order_of, shape_in
from signbit.compiler.ir import Node, Shape, Step
from signbit.compiler.mapping.moves.over_views import made_of
from signbit.compiler.mapping.moves.views import BATCH, Atom, View
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS", "join", "picked"]

Constant = npt.NDArray[np.float64]


def _cat(call: Call) -> Node:
    axis = call.axis(call.arguments["dim"], None)
    if axis == "N":
        raise call.refuse("joins images", "the engine answers for each of them")
    parts = _with_constants(call, _operands(call), axis)
    return call.yields(_joined(call, parts, axis))


def _operands(call: Call) -> list[Node | Constant]:
    """What is joined, all in the order of the call; constants are (height, width, channels)."""
    found: list[Node | Constant] = []
    for each in call.arguments["tensors"]:
        if each in call.tracer.constants:
            found.append(_constant(call, each))
            continue
        node, sizes = call.checked(call.node("tensors", each)), each.meta["val"].shape[1:]
        arranged = call.arranged(node, (2,) * len(sizes), order_of(each), call.order)
        if arranged is None:
            raise call.refuse("joins values whose channels are different dimensions")
        found.append(arranged)
    return found


def _constant(call: Call, argument: Any) -> Constant:
    call.constant_of("tensors", argument)
    value = call.tracer.constants[argument]
    if value.dim() != len(call.order) + 1 or len(value) != 1:
        raise call.refuse(f"joins a constant of shape {tuple(value.shape)}")
    height, width, _ = shape_in(value.shape[1:], call.order)
    array: Constant = as_map(value, call.order, (height, width))[0].astype(np.float64)
    return array


def _with_constants(call: Call, operands: Sequence[Node | Constant], axis: str) -> list[Node]:
    """The values that are joined, each with the constants that are around it."""
    first = next(place for place, each in enumerate(operands) if isinstance(each, Node))
    parts: list[Node] = []
    before = [each for each in operands[:first] if not isinstance(each, Node)]
    for each in operands[first:]:
        if isinstance(each, Node):
            parts.append(each)
        elif axis == "C":
            parts.append(_of_constants(call, parts[0], each))
        else:
            parts[-1] = _padded(call, parts[-1], each, axis, behind=True)
    for each in reversed(before):
        if axis == "C":
            parts.insert(0, _of_constants(call, parts[-1], each))
        else:
            parts[0] = _padded(call, parts[0], each, axis, behind=False)
    return parts


def _padded(call: Call, node: Node, values: Constant, axis: str, *, behind: bool) -> Node:
    """Constant rows or columns beside a value, each a pad; all pixels of one must be alike."""
    node, dim = call.as_real(node), "HW".index(axis)
    slices = np.moveaxis(values, dim, 0).reshape(values.shape[dim], -1, values.shape[2])
    if (slices != slices[:, :1]).any():
        raise call.refuse(
            "joins rows or columns of constants that differ from pixel to pixel",
            "join them along the channels, or give all pixels the same",
        )
    for pixel in slices[:, 0] if behind else slices[::-1, 0]:
        sides = tuple(int(side == dim + 2 * behind) for side in range(4))
        sizes = [*node.shape[:2], node.shape.channels]
        sizes[dim] += 1
        node = call.add(
            "pad", node, part="constant", shape=Shape(*sizes), padding=sides, value=pixel
        )
    return node


def _of_constants(call: Call, like: Node, values: Constant) -> Node:
    """Channels of constants, the same for each image: a channel of a value times 0, plus them."""
    shape = Shape(*values.shape)
    if values.size > LIMITS["channels"]:
        raise call.refuse(
            f"joins {values.size} constants", "add them to a value of as many channels"
        )
    one = shape._replace(channels=1)
    first = call.add("slice", call.as_real(like), part="any", shape=one, first=0, count=1)
    wide = join(call, [first] * shape.channels, "any")
    if (values == values[:1, :1]).all():
        return _step(call, wide, values[0, 0])
    flat = call.add("flatten", wide, part="any", shape=Shape(1, 1, values.size))
    made = _step(call, flat, values.reshape(-1))
    rows, count = shape.height, shape.channels
    return call.add("reshape", made, part="constants", shape=shape, rows=rows, count=count)


def _step(call: Call, node: Node, shift: Constant) -> Node:
    step = Step("affine", {"scale": np.zeros_like(shift), "shift": shift})
    return call.add("identity", node, steps=[step], part="constants", shape=node.shape)


def _stack(call: Call) -> Node:
    """Values side by side along a new dimension: their channels behind each other."""
    first, *_ = call.arguments["tensors"]
    call.order = order_of(first) if first in call.tracer.values else ""
    dim = call.arguments["dim"] % (len(call.order) + 2)
    parts = [each for each in _operands(call) if isinstance(each, Node)]
    if dim == 0 or len(parts) < len(call.arguments["tensors"]):
        raise call.refuse("stacks images, or constants", "join values: torch.cat(…, 1)")
    node = join(call, parts, "stacked")
    sizes = {**dict(zip("HWC", parts[0].shape, strict=True)), "S": len(parts)}
    atoms = {axis: (Atom(size),) if size > 1 else () for axis, size in sizes.items()}
    memory = tuple(atom for axis in "HWSC" for atom in atoms[axis])
    dims = [atoms[axis] for axis in call.order]
    dims.insert(dim - 1, atoms["S"])
    return made_of(call, View(node, memory, ((BATCH,), *dims)))


def _stacked_along_channels(call: Call) -> Node:
    call.arguments["dim"] = 1
    return _cat(call)


def _repeat(call: Call) -> Node:
    """Copies of all channels, rows or columns, one behind the other."""
    counts = call.arguments["repeats" if "repeats" in call.arguments else "dims"]
    before, after = call.sizes("self"), call.sizes()
    if len(before) != len(after) or len(counts) < len(after):
        raise call.refuse(f"repeats a value {tuple(counts)} times", "give as many numbers as dims")
    node, call.order = call.value("self"), order_of(call.arguments["self"])
    for axis, count in zip(call.order, counts[-len(after) :], strict=True):
        node = _joined(call, [node] * count, axis)
    return call.yields(node)


def _joined(call: Call, parts: Sequence[Node], axis: str) -> Node:
    """Values side by side along an axis."""
    if axis == "C" or len(parts) == 1:
        return join(call, parts, "joined")
    if axis == "H" and sum(map(_size, parts)) > LIMITS["channels"]:
        turned = [call.exchanged(part, ("HW",)) for part in parts]
        return call.exchanged(_joined(call, turned, "W"), ("HW",))
    dim = "HW".index(axis)
    sizes = list(parts[0].shape)
    sizes[dim] = sum(part.shape[dim] for part in parts)
    return _side_by_side(call, [_flat(call, part, dim) for part in parts], Shape(*sizes))


def picked(call: Call, node: Node, dim: int, places: Sequence[int]) -> Node:
    """A value's rows (dim 0) or columns (dim 1) of these places, in this order."""
    if dim == 0 and _size(node) // node.shape.height * len(places) > LIMITS["channels"]:
        turned = call.exchanged(node, ("HW",))
        return call.exchanged(picked(call, turned, 1, places), ("HW",))
    flat = _flat(call, node, dim)
    each = flat.shape.channels // node.shape[dim]
    breaks = [k for k, (a, b) in enumerate(pairwise(places), 1) if b != a + 1]
    runs = [
        call.add(
            "slice",
            flat,
            part="run",
            shape=flat.shape._replace(channels=(end - start) * each),
            first=places[start] * each,
            count=(end - start) * each,
        )
        for start, end in pairwise((0, *breaks, len(places)))
    ]
    sizes = list(node.shape)
    sizes[dim] = len(places)
    return _side_by_side(call, runs, Shape(*sizes))


def join(call: Call, sources: Sequence[Node], part: str | None = None) -> Node:
    """One node, or where one may not read so many values, one of several.

    part: as of `Call.add`, where it is no more than a part of the call's value.
    """
    if not all(source.is_sign for source in sources):
        sources = [call.as_real(source) for source in sources]
    if len(sources) == 1:
        return sources[0]
    most = LIMITS["operands"]
    while len(sources) > most:
        sources = [
            _part(call, sources[first : first + most]) for first in range(0, len(sources), most)
        ]
    return call.add("concat", *sources) if part is None else _part(call, sources, part)


def _part(call: Call, sources: Sequence[Node], part: str = "part") -> Node:
    if len(sources) == 1:
        return sources[0]
    channels = sum(source.shape.channels for source in sources)
    shape = sources[0].shape._replace(channels=channels)
    return call.add("concat", *sources, part=part, shape=shape)


def _size(node: Node) -> int:
    return prod(node.shape)


def _flat(call: Call, node: Node, dim: int) -> Node:
    """Rows, or in each row its columns, as channels behind each other."""
    height, width, channels = node.shape
    shape = (
        Shape(1, 1, height * width * channels) if dim == 0 else Shape(1, height, width * channels)
    )
    _require_room(call, shape)
    rows, count = shape.height, shape.channels
    return call.add("reshape", node, part="flat", shape=shape, rows=rows, count=count)


def _side_by_side(call: Call, flat: Sequence[Node], shape: Shape) -> Node:
    """Such rows or columns of several values as one."""
    joined = join(call, flat, "joined")
    _require_room(call, joined.shape)
    rows, count = shape.height, shape.channels
    return call.add("reshape", joined, part="joined", shape=shape, rows=rows, count=count)


def _require_room(call: Call, shape: Shape) -> None:
    if call.tracer.any_size:
        raise call.refuse(
            "moves rows or columns of a map, which fixes the size of the images",
            "join channels, and pad with a constant",
        )
    if shape.channels > LIMITS["channels"]:
        raise call.refuse(
            f"moves rows or columns of {shape.channels} values",
            f"the engine knows {LIMITS['channels']} at most",
        )


MAPPINGS = {
    "aten.cat.default": _cat,
    "aten.concat.default": _cat,
    "aten.concatenate.default": _cat,
    "aten.hstack.default": _stacked_along_channels,
    "aten.repeat.default": _repeat,
    "aten.stack.default": _stack,
    "aten.tile.default": _repeat,
}
