"""Where everything that a network works in lies in one piece of memory, and what may share a place.

A tensor lives from the node that writes it to the last that reads it, memory of a node's own while
it runs. What does not live at the same time may lie in the same place.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

__all__ = ["Piece", "placed"]


@dataclass
class Piece:
    """Memory that is needed from node `first` to node `last`, both included; size in bytes."""

    key: Hashable
    size: int
    first: int
    last: int


def placed(pieces: Iterable[Piece]) -> tuple[dict[Hashable, int], int]:
    """Each piece's offset, and the bytes that all of them take; both are multiples of 4.

    The largest piece comes first, and each goes to the lowest place that is free while it lives.
    """
    done: list[tuple[int, int, Piece]] = []
    for piece in sorted(pieces, key=lambda piece: (-piece.size, piece.first)):
        size = -(-piece.size // 4) * 4
        offset = 0
        for begin, end, other in sorted(done, key=lambda each: each[0]):
            lives_too = other.first <= piece.last and piece.first <= other.last
            if lives_too and begin < offset + size and offset < end:
                offset = end
        done.append((offset, offset + size, piece))
    offsets = {piece.key: begin for begin, _, piece in done}
    return offsets, max((end for _, end, _ in done), default=0)
