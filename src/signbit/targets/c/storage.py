"""Which memory every tensor of a graph has: the caller's, the arena's, or another tensor's.

A node may write its reals over reals that nothing reads later, where it reads each value before it
writes the one in its place.
"""

from __future__ import annotations

from collections.abc import Sequence

from signbit.bitformat.graph import Graph, Step
from signbit.bitformat.validate import arity
from signbit.targets.c.arena import Piece, placed
from signbit.targets.c.site import Site, Stored

__all__ = ["Storage"]


class Storage:
    """Pointers to the tensors of a graph and to the memory that its nodes work in.

    sites: of all nodes, whose functions are written already. names: C's names of the graph's inputs
    and outputs.
    """

    def __init__(
        self,
        graph: Graph,
        tensors: Sequence[Stored],
        sites: Sequence[Site],
        inputs: Sequence[str],
        outputs: Sequence[str],
    ) -> None:
        self._tensors = tensors
        self._looked_up = [n for n, given in enumerate(graph.inputs) if given.table is not None]
        self._callers = {n: c for n, c in enumerate(inputs) if n not in self._looked_up}
        for output, name in zip(graph.outputs, outputs, strict=True):
            if tensors[output.tensor].kind == "real":
                self._callers.setdefault(output.tensor, name)
        self._last = self._last_readers(graph, sites)
        self._home: dict[int, int] = {}
        """A tensor → the tensor whose memory it has."""
        for index, site in enumerate(sites):
            self._share(index, site)
        self._offsets, self.size = placed(self._pieces(sites))

    def pointer(self, number: int) -> str:
        """The expression of a pointer to a tensor."""
        home = self._home.get(number, number)
        if home in self._callers:
            return self._callers[home]
        c_type = self._tensors[number].c_type
        return f"({c_type} *)(void *)(memory + {self._offsets[home] // 4})"

    def work(self, index: int, name: str, c_type: str) -> str:
        """The expression of a pointer to what node `index` works in."""
        return f"({c_type} *)(void *)(memory + {self._offsets[index, name] // 4})"

    def share(self, a: int, b: int) -> bool:
        """Whether two tensors have the same memory."""
        return self._home.get(a, a) == self._home.get(b, b)

    def _last_readers(self, graph: Graph, sites: Sequence[Site]) -> dict[int, int]:
        last = {}
        for index, site in enumerate(sites):
            for tensor in (*site.outputs, *site.read):
                last[tensor.number] = index
        last.update((output.tensor, len(sites)) for output in graph.outputs)
        return last

    def _share(self, index: int, site: Site) -> None:
        """Let an output have the memory of reals that are read here for the last time."""
        for place, output in enumerate(site.outputs):
            if output.kind != "real" or output.number in self._callers:
                continue
            for given in dict.fromkeys(site.read):
                home = self._home.get(given.number, given.number)
                if (
                    given.kind == "real"
                    and home not in self._callers
                    and given.size == output.size
                    and self._last[home] == index
                    and _is_read_before(site, given, place)
                ):
                    self._home[output.number] = home
                    self._last[home] = self._last[output.number]
                    return

    def _pieces(self, sites: Sequence[Site]) -> list[Piece]:
        pieces = [
            Piece(number, self._tensors[number].size, 0, self._last.get(number, 0))
            for number in self._looked_up
        ]
        for index, site in enumerate(sites):
            for tensor in site.outputs:
                if tensor.number not in self._callers and tensor.number not in self._home:
                    last = self._last[tensor.number]
                    pieces.append(Piece(tensor.number, tensor.size, index, last))
            for name, (_, count) in site.scratch.items():
                pieces.append(Piece((index, name), 4 * count, index, index))
        return pieces


def _is_read_before(site: Site, given: Stored, place: int) -> bool:
    """Whether output `place` is written to where `given` has been read, and is read no more."""
    node = site.node
    after = node.outputs[place].after
    count = len(node.steps) if after is None else after
    read = site.inputs[: arity(node)]
    if given in read and node.op not in ("identity", "flatten"):
        return False
    for index, step in enumerate(node.steps):
        if not any(key.type == "operand" for key in step.rule.keys):
            continue
        if site.inputs[step["input"]] == given and (index >= count or not _is_aligned(step)):
            return False
    return given.shape == site.shape or node.op == "flatten"


def _is_aligned(step: Step) -> bool:
    """Whether a step reads its operand's value at the place that is written."""
    return (step["every"], step["repeat"], step["offset"]) == ((1, 1), "none", 0)
