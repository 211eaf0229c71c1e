"""The sign of a moved value is a moved sign: bits move instead of floats.

    sign(f(move(x))) = move(sign(f(x)))       f maths on each channel, of which f keeps its own part
    sign(f(max(x))) = max(sign(f(x)))         where f never falls, as sign does not

A concatenation splits the constants of f, a slice takes some, a shuffle repeats or gathers them. A
reshape or a transposition that changes channels passes what is alike for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.compiler.ir import Graph, Node, SignRule, Step, constants_of, is_by_channel
from signbit.compiler.passes.merge.share_equal import do_the_same
from signbit.compiler.passes.move.move_max_pool import is_non_decreasing

__all__ = ["signs_first"]

_POOLS = ("global_max", "max_pool")
_MOVES = (
    *(*_POOLS, "channel_shuffle", "concat", "depth_to_space", "reshape", "slice"),
    *("space_to_depth", "transpose", "upsample"),
)
"""Operations each of whose values is one of their inputs'."""

Indices = npt.NDArray[np.intp]


def signs_first(graph: Graph) -> None:
    """Where all that reads the moved reals is signs, or maths by channel that signs alone read.

    A slice stays where its input is read as reals as well: it compares them where they lie.
    """
    while any(_move_readers(graph, node) for node in reversed(list(graph))):
        pass


def _move_readers(graph: Graph, move: Node) -> bool:
    """Let a move's readers come before it, if all can; whether they could."""
    if not _moves_reals(move) or not _is_for_signs(graph, move):
        return False
    if move.op == "slice" and not _is_for_signs(graph, graph[move.input]):
        return False
    readers = graph.readers(move.name)
    if not all(_can_come_first(graph, move, reader) for reader in readers):
        return False
    for reader in readers:
        _swap(graph, move, reader)
    graph.remove(move.name)
    return True


def _is_for_signs(graph: Graph, node: Node) -> bool:
    """Whether signs alone read a value, as it is or moved, over maths by channel or none."""
    readers = graph.readers(node.name)
    if node.is_sign or graph.is_output(node.name) or not readers:
        return False
    return all(
        reader.op == "sign"
        or ((_moves_reals(reader) or is_by_channel(reader)) and _is_for_signs(graph, reader))
        for reader in readers
    )


def _moves_reals(node: Node) -> bool:
    return node.op in _MOVES and not node.steps


def _can_come_first(graph: Graph, move: Node, reader: Node) -> bool:
    """Whether a reader of the move, and all maths behind it, can work on the move's inputs."""
    if _moves_reals(reader):
        return False  # its own readers come before it first
    if move.op in _POOLS and not _passes_pool(move, reader):
        return False
    if move.op == "space_to_depth" and not _is_alike(reader, move["block"] ** 2):
        return False
    if _changes_channels(move) and not _is_alike(reader, move.shape.channels):
        return False
    behind = graph.readers(reader.name) if reader.op != "sign" else []
    return all(_can_come_first(graph, move, each) for each in behind)


def _changes_channels(move: Node) -> bool:
    """Whether values come into other channels, in which any of the input's may be."""
    return move.op == "reshape" or (move.op == "transpose" and not move["whole_pixels"])


def _passes_pool(pool: Node, reader: Node) -> bool:
    """Whether a value never falls through it; signs of pixels over maths compare pooled pixels.

    What rises and falls in front of the pool may do neither behind it.
    """
    if reader.op != "sign":
        return is_non_decreasing(reader)
    if reader["negated"] is not None:
        return False
    return reader["pixel_signs"] is None or reader.input == pool.name


def _is_alike(reader: Node, copies: int) -> bool:
    """Whether so many neighbouring channels, which come of one, have the same constants."""
    parts: tuple[Node | Step, ...] = (reader, *reader.steps)
    values = [value for part in parts for _, value in constants_of(part)]
    return all((value == value[::copies].repeat(copies, axis=0)).all() for value in values)


def _swap(graph: Graph, move: Node, reader: Node) -> None:
    """Put the reader before the move, once for each of the move's different inputs."""
    parts: list[Node] = []
    for name, channels in _inputs(graph, move):
        source = graph[name]
        # Pixels that a slice leaves out are compared as a neighbour is: PyTorch has no such signs.
        pixels = move.op == "slice" and reader.keys.get("pixel_signs") is not None
        known = reader.op != "sign" or SignRule.of(reader).is_plain
        signed = source.origin.export if reader.origin.signed and known and not pixels else ""
        part = replace(
            _of_channels(reader, channels),
            name=graph.unique(f"{reader.name}.before_{move.op}"),
            inputs=(name,),
            shape=source.shape,
            origin=reader.origin._replace(export="", signed=signed, order=source.origin.order),
        )
        parts.append(_inserted(graph, part, reader))
    names = tuple(part.name for part in parts)
    moved = replace(
        move, name=reader.name, inputs=names, is_sign=reader.is_sign, origin=reader.origin
    )
    graph.put(replace(moved, body=move.body_origin))


def _inserted(graph: Graph, part: Node, reader: Node) -> Node:
    """The part in front of the reader, or the earlier of it and one that does the same."""
    twins = [other for other in graph.readers(part.input) if do_the_same(other, part)]
    graph.insert_before(reader.name, part)
    for twin in twins:
        if not twin.origin.export:
            first, second = sorted((twin, part), key=lambda node: graph.place(node.name))
            graph.redirect(second.name, first.name)
            graph.remove(second.name)
            part = first
    return part


def _inputs(graph: Graph, move: Node) -> Iterator[tuple[str, Indices]]:
    """Each input, and for each of its channels the one of the result whose constants it takes.

    Channels that a slice leaves out, which nobody will read, take those of a neighbour.
    """
    first = 0
    for name in move.inputs:
        every = np.arange(graph[name].shape.channels)
        if move.op == "concat":
            yield name, every + first
            first += len(every)
        elif move.op == "slice":
            yield name, (every - move["first"]).clip(0, move["count"] - 1)
        elif move.op == "channel_shuffle":
            yield name, every.reshape(-1, move["groups"]).T.reshape(-1)
        elif move.op == "space_to_depth":
            yield name, every * move["block"] ** 2
        elif _changes_channels(move):
            yield name, np.zeros_like(every)
        elif move.op == "depth_to_space":
            yield name, every // move["block"] ** 2
        else:
            yield name, every


def _of_channels(node: Node, channels: Indices) -> Node:
    """The node with the constants of these channels."""

    def chosen(part: Node | Step) -> dict[str, Any]:
        return {**part.keys, **{name: value[channels] for name, value in constants_of(part)}}

    steps = tuple(Step(step.op, chosen(step)) for step in node.steps)
    return replace(node, keys=chosen(node), steps=steps)
