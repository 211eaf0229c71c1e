"""A graph with all that is needed to run it and to look at every tensor of it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.runtime.random_graphs.draws import Array

from signbit.bitformat import encode
from signbit.bitformat.graph import Graph, Pair
from signbit.bitformat.int16_stem import has_integer_sums, is_int16
from signbit.bitformat.validate import Tensor, validate


@dataclass(frozen=True, repr=False)
class Case:
    """A graph, its constants, and a batch to feed, by number of the graph's inputs."""

    graph: Graph
    constants: dict[str, Array]
    feeds: dict[int, Array]
    input_size: Pair | None = None
    """Another (height, width) of the image than the file's, for which the batch is."""

    def __repr__(self) -> str:
        feeds = {number: (array.dtype.name, array.shape) for number, array in self.feeds.items()}
        lines = map(repr, (*self.graph.inputs, *self.graph.nodes, *self.graph.outputs))
        return "\n".join(["Case", f"feeds {feeds}", *lines])

    @property
    def data(self) -> bytes:
        return encode(self.graph, self.constants)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Kind and shape of every tensor, at the file's own size."""
        return validate(self.graph, self.constants)

    @property
    def inputs(self) -> Array | dict[str, Array]:
        """What an engine is called with."""
        return self.inputs_of(slice(None))

    def inputs_of(self, images: slice) -> Array | dict[str, Array]:
        """As `inputs`, for some images of the batch."""
        if len(self.feeds) == 1:
            return self.feeds[0][images]
        return {given.name: self.feeds[n][images] for n, given in enumerate(self.graph.inputs)}

    @property
    def batch(self) -> int:
        return len(self.feeds[0])

    @property
    def takes_floats(self) -> bool:
        """Whether images may be float32."""
        has_tables = any(given.table is not None for given in self.graph.inputs)
        return not has_tables and not any(
            is_int16(node, self.constants) for node in self.graph.nodes
        )

    @property
    def fetches(self) -> list[int | str]:
        """Every tensor, and every node's integers."""
        integers = [node for node in self.graph.nodes if has_integer_sums(node, self.constants)]
        return [*range(len(self.tensors)), *(f"{node.name}#dots" for node in integers)]

    def written(self) -> list[tuple[int, ...]]:
        """The numbers of the tensors that each node writes."""
        firsts = self.graph.first_tensors()
        return [
            tuple(range(first, first + len(node.outputs)))
            for node, first in zip(self.graph.nodes, firsts, strict=True)
        ]
