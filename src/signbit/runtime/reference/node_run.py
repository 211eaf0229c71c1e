"""What the functions of operations and steps are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from signbit.bitformat.checks import Array
from signbit.bitformat.graph import Node

__all__ = ["NodeRun"]


@dataclass(frozen=True)
class NodeRun:
    """One run of a node on a batch.

    inputs: what the node reads, in its order, each (N, height, width, channels). Signs come to an
    operation as ±1 in float32; steps read reals alone. constants: the file's, by number.
    """

    node: Node
    inputs: Sequence[Array]
    constants: Mapping[int, Array]
