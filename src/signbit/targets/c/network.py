"""A whole network as C: constants, kernels, a function for each node, and the one that runs all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from math import prod

from signbit.bitformat.checks import Array
from signbit.bitformat.graph import Graph, Node
from signbit.bitformat.validate import Tensor
from signbit.targets.c.node import Written, is_a_copy, node_function
from signbit.targets.c.plan import Planned
from signbit.targets.c.site import Pool, Site, Stored
from signbit.targets.c.storage import Storage
from signbit.targets.c.text import block
from signbit.targets.c.words import kernel

__all__ = ["Network", "NodeFigures"]

FRAGMENTS = (
    "head",
    "bits",
    "set_bits",
    "count_bits",
    "signs",
    "add_bytes",
    "fma",
    "exp",
    "tanh",
    "gelu",
    "sqrt",
    "from_0_to_6",
    "look_up",
)
"""In this order, as each calls those before it."""


@dataclass(frozen=True)
class NodeFigures:
    """What a node costs: bytes of constants and of what it writes, operations on one sample."""

    name: str
    op: str
    constant_bytes: int
    written_bytes: int
    operations: int
    floats: bool
    float_sums: bool


class Network:
    """The lines of a network, and where it works.

    inputs, outputs: C's names of the graph's. plan: its nodes, or what takes their place.
    """

    def __init__(
        self,
        graph: Graph,
        constants: Mapping[str, Array],
        tensors: Sequence[Tensor],
        inputs: Sequence[str],
        outputs: Sequence[str],
        plan: Sequence[Planned],
    ) -> None:
        self._pool = Pool()
        stored = [Stored(n, each.kind, each.shape) for n, each in enumerate(tensors)]
        arrays = {int(name): array for name, array in constants.items()}
        self.nodes: list[NodeFigures] = []
        sites: list[Site] = []
        written: list[Written] = []

        def site_of(node: Node, numbers: Sequence[int]) -> Site:
            read = [stored[number] for number in node.inputs]
            return Site(node, read, [stored[n] for n in numbers], arrays, self._pool)

        for index, (node, numbers, summed) in enumerate(plan):
            site = site_of(node, numbers)
            if summed is not None:
                site.summed = site_of(summed, node.inputs[:1])
                site.summed.scratch = site.scratch
            before = self._pool.size
            written.append(node_function(site, f"node_{index}"))
            self.nodes.append(_figures(site, self._pool.size - before, written[-1]))
            sites.append(site)
        self._storage = Storage(graph, stored, sites, inputs, outputs)
        self.arena_bytes = self._storage.size
        kept = [not self._is_idle(site) for site in sites]
        self.calls = self._looked_up(graph, arrays, inputs)
        self.calls += [
            self._call(index, site, each)
            for index, (site, each) in enumerate(zip(sites, written, strict=True))
            if kept[index]
        ]
        self.calls += self._handed_over(graph, stored, outputs)
        self.constant_bytes = self._pool.size
        self._functions = [each.lines for each, wanted in zip(written, kept, strict=True) if wanted]

    def _looked_up(
        self, graph: Graph, arrays: Mapping[int, Array], inputs: Sequence[str]
    ) -> list[str]:
        """What puts pixels that have a table where the nodes read them."""
        lines = []
        for number, (given, name) in enumerate(zip(graph.inputs, inputs, strict=True)):
            if given.table is None:
                continue
            table, channels = arrays[given.table], given.shape[2]
            if (table == table[:, :1]).all():
                table, channels = table[:, :1], 1
            self._pool.fragments.add("look_up")
            constant, pointer = self._pool.constant(table), self._storage.pointer(number)
            count = prod(given.shape)
            lines.append(f"look_up({name}, {count}, {channels}, {constant}, {pointer});")
        return lines

    def _is_idle(self, site: Site) -> bool:
        number = site.source.number
        return is_a_copy(site) and self._storage.share(number, site.outputs[0].number)

    def _call(self, index: int, site: Site, written: Written) -> str:
        pointers = {
            **{each.name: self._storage.pointer(each.number) for each in site.read},
            **{each.name: self._storage.pointer(each.number) for each in site.outputs},
            **{name: self._storage.work(index, name, c) for name, (c, _) in site.scratch.items()},
        }
        return f"node_{index}({', '.join(pointers[each] for each in written.arguments)});"

    def _handed_over(
        self, graph: Graph, stored: Sequence[Stored], outputs: Sequence[str]
    ) -> list[str]:
        """What brings to the caller that which no node writes to its place."""
        lines = []
        for output, name in zip(graph.outputs, outputs, strict=True):
            tensor = stored[output.tensor]
            pointer = self._storage.pointer(tensor.number)
            if tensor.kind == "bits":
                self._pool.fragments.add("signs")
                pixels = tensor.shape[0] * tensor.shape[1]
                lines.append(f"unpack_signs({pointer}, {pixels}, {tensor.channels}, {name});")
            elif pointer != name:
                lines.append(f"memcpy({name}, {pointer}, {tensor.size});")
        return lines

    def definitions(self) -> list[str]:
        """Fragments, kernels, constants and the nodes' functions."""
        fragments = self._pool.fragments | {"head"}
        if self._pool.kernels:
            fragments |= {"add_bytes"}
        lines = []
        for name in FRAGMENTS:
            if name in fragments:
                lines += [*_fragment(name), ""]
        known: set[tuple[int, bool]] = set()
        for wanted in sorted(self._pool.kernels):
            lines += [*kernel(wanted, known), ""]
        lines += [*self._pool.lines(), ""]
        for node in self._functions:
            lines += [*node, ""]
        return lines

    @property
    def uses_memory(self) -> bool:
        """Whether a call points into the arena."""
        return any("memory + " in call for call in self.calls)

    def run(self, name: str, parameters: Sequence[str]) -> list[str]:
        """The public function."""
        body = list(self.calls)
        if self.uses_memory:
            body.insert(0, "word *const memory = arena;")
        else:
            body.insert(0, "(void)arena;")
        return block(f"void {name}_run({', '.join(['void *arena', *parameters])})", body)


def _fragment(name: str) -> list[str]:
    file = resources.files("signbit.targets.c").joinpath("fragments", f"{name}.c")
    return file.read_text("utf-8").splitlines()


def _figures(site: Site, constant_bytes: int, function: Written) -> NodeFigures:
    written = sum(each.size for each in site.outputs)
    operations = sum(
        prod(each.shape) * _read_for_one(each.node, each.source)
        for each in (site, site.summed)
        if each is not None
    )
    return NodeFigures(
        site.node.name,
        site.node.op,
        constant_bytes,
        written,
        operations,
        function.floats,
        function.float_sums,
    )


def _read_for_one(node: Node, source: Stored) -> int:
    """How many values an operation reads for one that it yields."""
    height, width, channels = source.shape
    reads = node.rule.reads
    if reads in ("taps", "window"):
        depth = channels // node["groups"] if reads == "taps" else 1
        pooled = prod(node["pool_kernel"]) if node.op == "binary_conv" else 1
        return int(prod(node["kernel"]) * depth * pooled)
    return {"one": 1, "pixels": height * width, "channels": channels, "products": channels}[reads]
