"""Reshapes, permutations and parts of a value by any of its dimensions, as PyTorch's views have it.

A view is a value whose memory (row, column, channel) is cut into `Atom`s, and dimensions that are
atoms each. Where the images come first and no more than three dimensions follow, the engine has
such a value, moved by `reshape`, `transpose` and `slice`. Any other view waits, until more views of
it are one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

from torch.fx import Node as FxNode

from signbit.bitformat.table import LIMITS
from signbit.compiler.axes import order_of, pending, put_pending
from signbit.compiler.ir import Node, Shape
from signbit.compiler.mapping.tracer import Call

__all__ = [
    "BATCH",
    "Atom",
    "View",
    "flat",
    "is_plain",
    "moved",
    "narrowed",
    "permuted",
    "placed",
    "regrouped",
    "reshaped",
    "settled",
    "settled_each",
    "sizes_of",
    "view_of",
]


@dataclass(frozen=True, eq=False)
class Atom:
    """Values side by side in one dimension; each is itself alone."""

    size: int


BATCH = Atom(1)
"""The images."""

Size = tuple[int, bool]
"""Of a dimension: how many values of an image, and whether the images are in it."""


class View(NamedTuple):
    """A value and what its dimensions are, the images' included."""

    source: Node
    memory: tuple[Atom, ...]
    """The source's values, in the order row, column, channel."""
    dims: tuple[tuple[Atom, ...], ...]


def is_plain(call: Call, name: str = "self") -> bool:
    """Whether an argument is a value, and the result has the images first, of one to three dims."""
    if pending(call.arguments[name]) is not None:
        return False
    (_, images), *others = sizes_of(call, call.fx)
    return images and len(others) <= 3


def view_of(call: Call, name: str) -> View:
    """The view that an argument is."""
    fx = call.arguments[name]
    waiting = pending(fx)
    if waiting is not None:
        assert isinstance(waiting, View)
        return waiting
    node, order = call.value(name), order_of(fx)
    is_flat = node.op == "flatten_chw"
    node = call.tracer.graph[node.input] if is_flat else node
    atoms = {axis: Atom(size) for axis, size in zip("HWC", node.shape, strict=True) if size > 1}
    dims = ["CHW"] if is_flat else list(order)
    by_dim = (tuple(atoms[axis] for axis in dim if axis in atoms) for dim in dims)
    return View(node, tuple(atoms.values()), ((BATCH,), *by_dim))


def flat(call: Call, view: View) -> View:
    """All values of an image in one dimension, and in memory as PyTorch has them."""
    images, *dims = view.dims
    whole = tuple(atom for dim in dims for atom in dim)
    return moved(call, view._replace(dims=(images, whole)))


def sizes_of(call: Call, fx: FxNode) -> list[Size]:
    """The sizes of an exported value's dimensions."""
    value = fx.meta["val"]
    value = value[0] if isinstance(value, tuple | list) else value
    return [_size(call, size) for size in value.shape]


def _size(call: Call, size: Any) -> Size:
    if isinstance(size, int):
        return size, False
    expression = size.node.expr
    if not expression.free_symbols:
        return int(expression), False
    images, *others = expression.free_symbols
    count = expression.coeff(images)
    if others or str(images) != call.tracer.batch or count * images != expression:
        raise call.refuse(f"yields a size that is not fixed: {size}")
    return int(count), True


def regrouped(view: View, sizes: Sequence[Size]) -> View | None:
    """The same values in dimensions of other sizes; None where the memory must move before."""
    left = deque(atom for dim in view.dims for atom in dim)
    memory = list(view.memory)
    dims = []
    for size, images in sizes:
        dim: list[Atom] = []
        while left and (size > 1 or images):
            atom = left.popleft()
            if atom is BATCH:
                if not images:
                    return None
                images = False
            elif size % atom.size == 0:
                size //= atom.size
            elif atom.size % size == 0 and size > 1:
                outer, inner = Atom(size), Atom(atom.size // size)
                place = memory.index(atom)
                memory[place : place + 1] = [outer, inner]
                left.appendleft(inner)
                atom, size = outer, 1
            else:
                return None
            dim.append(atom)
        dims.append(tuple(dim))
    return None if left else View(view.source, tuple(memory), tuple(dims))


def permuted(view: View, places: Sequence[int]) -> View:
    """The dimensions in another order; places: where each was."""
    return view._replace(dims=tuple(view.dims[place] for place in places))


def narrowed(call: Call, view: View, dim: int, taken: range, *, drops: bool = False) -> View:
    """Values side by side of a dimension; drops: of one value, without the dimension."""
    dims = list(view.dims)
    if len(view.dims[dim]) > 1 or BATCH in view.dims[dim] or taken.step != 1:
        raise call.refuse("takes a part of a dimension that is several of the engine's")
    if drops:
        dims.pop(dim)
    if not view.dims[dim]:
        return view._replace(dims=tuple(dims))
    (atom,) = view.dims[dim]
    place = view.memory.index(atom)
    before, after = (prod(each.size for each in part) for part in _around(view.memory, place))
    source = _sliced(call, view.source, (before, atom.size, after), taken)
    kept = (Atom(len(taken)),) if len(taken) > 1 else ()
    if not drops:
        dims[dim] = kept
    memory = (*view.memory[:place], *kept, *view.memory[place + 1 :])
    return View(source, memory, tuple(dims))


def _around(memory: tuple[Atom, ...], place: int) -> tuple[tuple[Atom, ...], tuple[Atom, ...]]:
    return memory[:place], memory[place + 1 :]


def _sliced(call: Call, node: Node, sizes: tuple[int, int, int], taken: range) -> Node:
    """Of values (before, n, after) some of the n."""
    before, size, after = sizes
    if size * after <= LIMITS["channels"] and before <= LIMITS["size"]:
        node = reshaped(call, node, Shape(1, before, size * after), "joined")
        first, count = taken.start * after, len(taken) * after
        shape = node.shape._replace(channels=count)
        return call.add("slice", node, part="taken", shape=shape, first=first, count=count)
    node = _exchanged(call, reshaped(call, node, Shape(before, size, after), "joined"))
    shape = node.shape._replace(channels=len(taken))
    first, count = taken.start, len(taken)
    part = call.add("slice", node, part="taken", shape=shape, first=first, count=count)
    return _exchanged(call, part)


def settled(call: Call, view: View) -> Node:
    """The value of a view, which waits where the engine has no such dimensions.

    Where the images alone are at another place, it is the value as if they came first.
    """
    first, *dims = view.dims
    if first != (BATCH,) or len(dims) > 3 or any(BATCH in dim for dim in dims):
        put_pending(call.fx, view)
        call.order = ""
        if (BATCH,) not in view.dims or len(dims) > 3:
            return view.source
        others = [place for place, dim in enumerate(view.dims) if dim != (BATCH,)]
        front = permuted(view, [view.dims.index((BATCH,)), *others])
        node, call.order = placed(call, front, "images")
        return node
    put_pending(call.fx, None)
    node, call.order = placed(call, view, None)
    return node


def placed(call: Call, view: View, part: str | None) -> tuple[Node, str]:
    """The value of a view of the images and three dimensions at most, and its order.

    part: as of `Call.add`, where it is no more than a part of the call's value.
    """
    view = _joined(view)
    if len(view.memory) > 3 or any(len(dim) > 1 for dim in view.dims):
        view = moved(call, view)
    sizes = [1] * (3 - len(view.memory)) + [atom.size for atom in view.memory]
    node = reshaped(call, view.source, Shape(*sizes), part)
    axes = dict(zip(view.memory, "HWC"[3 - len(view.memory) :], strict=True))
    others = iter([axis for axis in "WCH" if axis not in axes.values()])
    return node, "".join(axes[dim[0]] if dim else next(others) for dim in view.dims[1:])


def settled_each(call: Call, views: Sequence[View]) -> list[Node]:
    """The same of the views that are a call's results."""
    nodes, waiting = [], {}
    for place, view in enumerate(views):
        nodes.append(settled(call, view))
        if pending(call.fx) is not None:
            waiting[place] = pending(call.fx)
    put_pending(call.fx, waiting or None)
    return nodes


def _joined(view: View) -> View:
    """Atoms that are side by side both in a dimension and in memory, as one."""
    memory, dims = list(view.memory), []
    for dim in view.dims:
        joined: list[Atom] = []
        for atom in dim:
            place = memory.index(atom) if atom in memory else 0
            if joined and place and memory[place - 1] is joined[-1]:
                both = Atom(joined.pop().size * atom.size)
                memory[place - 1 : place + 1] = [both]
                atom = both
            joined.append(atom)
        dims.append(tuple(joined))
    return View(view.source, tuple(memory), tuple(dims))


def moved(call: Call, view: View) -> View:
    """The view whose memory has the order of its dimensions, with few atoms.

    Atoms go to the front, the last first; those that end up behind each other as they are stay.
    """
    view = _joined(view)
    wanted = [atom for dim in view.dims[1:] for atom in dim]
    memory, node = list(view.memory), view.source
    places = [memory.index(atom) for atom in wanted]
    moving = len(wanted) - 1
    while moving > 0 and places[moving - 1] < places[moving]:
        moving -= 1
    for atom in reversed(wanted[:moving]):
        place = memory.index(atom)
        before, after = (prod(each.size for each in part) for part in _around(tuple(memory), place))
        if after > 1:
            node = reshaped(call, node, Shape(before, atom.size, after), "parted")
            shape = Shape(atom.size, before, after)
            node = call.add("transpose", node, part="moved", shape=shape, whole_pixels=True)
        else:
            node = _exchanged(call, reshaped(call, node, Shape(1, before, atom.size), "parted"))
        memory.insert(0, memory.pop(place))
    return _joined(View(node, tuple(memory), view.dims))


def _exchanged(call: Call, node: Node) -> Node:
    shape = Shape(node.shape.height, node.shape.channels, node.shape.width)
    _require_small(call, shape)
    return call.add("transpose", node, part="moved", shape=shape)


def reshaped(call: Call, node: Node, shape: Shape, part: str | None) -> Node:
    """The values in their order, in this shape."""
    if node.shape == shape:
        return node
    _require_small(call, shape)
    rows, count = shape.height, shape.channels
    return call.add("reshape", node, part=part, shape=shape, rows=rows, count=count)


def _require_small(call: Call, shape: Shape) -> None:
    if max(shape[:2]) > LIMITS["size"] or shape.channels > LIMITS["channels"]:
        raise call.refuse(
            f"moves {shape.height}×{shape.width} pixels of {shape.channels} channels",
            f"the engine knows {LIMITS['size']} rows and columns and {LIMITS['channels']} channels",
        )
