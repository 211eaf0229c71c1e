"""What is computed over some dimensions of a view: its memory moves until they are channels."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np
import numpy.typing as npt

from signbit.compiler.axes import pending, put_pending
from signbit.compiler.ir import Node, Shape
from signbit.compiler.mapping.moves.views import (
    BATCH,
    Atom,
    View,
    moved,
    reshaped,
    settled,
    view_of,
)
from signbit.compiler.mapping.tracer import Call

__all__ = [
    "as_channels",
    "is_moved",
    "made_of",
    "over_dimension",
    "places_of_channels",
    "wait_again",
]


def is_moved(call: Call, name: str, dim: int) -> bool:
    """Whether a dimension of an argument is neither its channels nor its columns."""
    return pending(call.arguments[name]) is not None or call.axis(dim, name) == "H"


def as_channels(call: Call, view: View, count: int) -> View:
    """The same view, whose source has the last `count` dimensions as channels, in memory's order.

    The others are its pixels, in their order in memory.
    """
    inner = {atom for dim in view.dims[-count:] for atom in dim}
    if BATCH in inner:
        raise call.refuse("computes across the images", "the engine answers for each of them")
    if call.tracer.any_size:
        raise call.refuse("moves all pixels of a map, which fixes the size of the images")
    pixels = tuple(atom for atom in view.memory if atom not in inner)
    channels = tuple(atom for atom in view.memory if atom in inner)
    node = moved(call, view._replace(dims=((BATCH,), pixels, channels))).source
    sizes = [prod(atom.size for atom in part) for part in (pixels, channels)]
    if node.shape.channels != sizes[1]:
        node = reshaped(call, node, Shape(1, *sizes), "values")
    return View(node, (*pixels, *channels), view.dims)


def places_of_channels(view: View, count: int) -> npt.NDArray[np.intp]:
    """For each channel of such a view's source, its place in PyTorch's order of the dimensions."""
    atoms = [atom for dim in view.dims[-count:] for atom in dim]
    order = sorted(range(len(atoms)), key=lambda place: view.memory.index(atoms[place]))
    every = np.arange(prod(atom.size for atom in atoms))
    return every.reshape([atom.size for atom in atoms]).transpose(order).reshape(-1)


def made_of(call: Call, view: View) -> Node:
    """What the call yields, of a view whose source it has just computed."""
    node = settled(call, view)
    return node if pending(call.fx) is not None else call.yields(node)


def wait_again(call: Call, node: Node) -> None:
    """Let what was computed as if the images came first wait, where they do not."""
    if not call.images:
        return
    atoms = {axis: Atom(size) for axis, size in zip("HWC", node.shape, strict=True) if size > 1}
    dims = [(atoms[axis],) if axis in atoms else () for axis in call.order]
    dims.insert(call.images, (BATCH,))
    if node.origin == call.origin:  # PyTorch's value is no map of each image
        origin = call.origin._replace(export="")
        call.tracer.graph.update(node.name, origin=origin, body=call.origin)
    put_pending(call.fx, View(node, tuple(atoms.values()), tuple(dims)))


def over_dimension(
    call: Call,
    name: str,
    dim: int,
    compute: Callable[[Node, npt.NDArray[np.intp]], Node],
    *,
    others: bool = False,
) -> Node:
    """What is computed of all values of one dimension, at each place of the others.

    compute: of the node that has the dimension as channels, and of each one's place in it, it makes
    a node of as many channels in the same order; or, with others, of any in PyTorch's.
    """
    view = view_of(call, name)
    dim %= len(view.dims)
    before, behind = view.dims[:dim], view.dims[dim + 1 :]
    rows = as_channels(call, view._replace(dims=(*before, *behind, view.dims[dim])), 1)
    node = compute(rows.source, places_of_channels(rows, 1))
    pixels, channels = (
        tuple(atom for atom in rows.memory if (atom in view.dims[dim]) == is_inner)
        for is_inner in (False, True)
    )
    atoms = view.dims[dim]
    if others:
        channels = atoms = (Atom(node.shape.channels),) if node.shape.channels > 1 else ()
    return made_of(call, View(node, (*pixels, *channels), (*before, atoms, *behind)))
