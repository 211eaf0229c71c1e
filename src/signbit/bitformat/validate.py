"""What makes a graph and its constants valid: names, order of execution, ranges, shapes.

Every shape is derived again from the nodes and compared with what the file declares.
"""

from __future__ import annotations

from collections.abc import Mapping

from signbit.bitformat.checks import Array, ConstantTable, require, value_in_range
from signbit.bitformat.graph import (
    FORMAT_VERSION,
    INTERPOLATIONS,
    KINDS,
    MAX_CHANNELS,
    MAX_ELEMENTS,
    MAX_ITEMS,
    MAX_SIZE,
    OPS,
    RESIZE_RULES,
    Graph,
    Node,
    TensorSpec,
)
from signbit.bitformat.validate_body import derive_shape
from signbit.bitformat.validate_dots import check_map, check_sums
from signbit.bitformat.validate_epilogue import check_epilogue, check_shortcut
from signbit.bitformat.versions import check_version

__all__ = ["validate"]


def validate(graph: Graph, constants: Mapping[str, Array]) -> None:
    """Check everything that docs/format.md asks of a graph and its constants (name → array).

    Raises ModelFileError naming the field.
    """
    value_in_range(graph.format, 1, FORMAT_VERSION, "format")
    check_version(graph, constants)
    tensors = _check_tensors(graph)
    _check_input(graph, tensors)
    table = ConstantTable(constants)
    _Nodes(graph, tensors, table).check()
    table.require_all_used()
    _check_output(graph, tensors)


def _check_tensors(graph: Graph) -> dict[str, TensorSpec]:
    value_in_range(len(graph.tensors), 1, MAX_ITEMS, "tensors")
    tensors: dict[str, TensorSpec] = {}
    for index, tensor in enumerate(graph.tensors):
        where = f"tensors[{index}] ({tensor.name!r})"
        require(tensor.name not in tensors, f"{where}.name", "is declared twice")
        require(tensor.kind in KINDS, f"{where}.kind", f"must be one of {', '.join(KINDS)}")
        value_in_range(tensor.height, 1, MAX_SIZE, f"{where}.height")
        value_in_range(tensor.width, 1, MAX_SIZE, f"{where}.width")
        value_in_range(tensor.channels, 1, MAX_CHANNELS, f"{where}.channels")
        elements = tensor.height * tensor.width * tensor.channels
        require(elements <= MAX_ELEMENTS, where, f"has more than {MAX_ELEMENTS} elements")
        tensors[tensor.name] = tensor
    return tensors


def _check_input(graph: Graph, tensors: dict[str, TensorSpec]) -> None:
    images = [tensor.name for tensor in tensors.values() if tensor.kind == "image"]
    require(
        images == [graph.input.tensor], "input.tensor", "must name the one tensor of kind image"
    )
    value_in_range(graph.input.resize_shorter_side, 1, MAX_SIZE, "input.resize_shorter_side")
    require(
        graph.input.interpolation in INTERPOLATIONS,
        "input.interpolation",
        f"must be one of {', '.join(INTERPOLATIONS)}",
    )
    require(
        graph.input.resize_rule in RESIZE_RULES,
        "input.resize_rule",
        f"must be one of {', '.join(RESIZE_RULES)}",
    )


def _check_output(graph: Graph, tensors: dict[str, TensorSpec]) -> None:
    require(graph.output in tensors, "output", f"unknown tensor {graph.output!r}")
    output = tensors[graph.output]
    require(output.kind == "real", "output", f"must be a real tensor, is {output.kind}")
    require(
        len(graph.classes) in (0, output.channels),
        "classes",
        f"has {len(graph.classes)} names, the output has {output.channels} channels",
    )


class _Nodes:
    """Walks the nodes in order, and knows which tensors are written by then."""

    def __init__(
        self, graph: Graph, tensors: dict[str, TensorSpec], constants: ConstantTable
    ) -> None:
        self.nodes = graph.nodes
        self.tensors = tensors
        self.constants = constants
        self.written = {graph.input.tensor}
        self.groups: dict[str, int] = {}  # of the grouped convolutions that read a bits tensor

    def check(self) -> None:
        value_in_range(len(self.nodes), 1, MAX_ITEMS, "nodes")
        names: set[str] = set()
        for index, node in enumerate(self.nodes):
            where = f"nodes[{index}] ({node.name!r})"
            require(node.name not in names, f"{where}.name", "is the name of an earlier node")
            names.add(node.name)
            self.check_node(node, where)
        for name in self.tensors:
            require(name in self.written, "tensors", f"no node writes {name!r}")

    def check_node(self, node: Node, where: str) -> None:
        require(node.op in OPS, f"{where}.op", f"must be one of {', '.join(OPS)}, is {node.op!r}")
        source = self.read(node.input, f"{where}.input")
        kinds = OPS[node.op].inputs
        require(
            source.kind in kinds,
            f"{where}.input",
            f"{node.op} reads {' or '.join(kinds)}, {node.input!r} is {source.kind}",
        )
        shape = derive_shape(node, source, self.constants, where)
        if node.groups is not None and node.op in ("binary_conv", "sign_sum"):
            self.check_groups(node.input, node.groups, where)
        if node.map is not None:
            check_map(node, self.read(node.map, f"{where}.map"), shape, f"{where}.map")
        if node.sums is not None:
            tensor = self.read(node.sums.tensor, f"{where}.sums.tensor")
            check_sums(node, node.sums, tensor, shape, self.constants, f"{where}.sums")
        if node.shortcut is not None:
            tensor = self.read(node.shortcut.tensor, f"{where}.shortcut.tensor")
            check_shortcut(node.shortcut, tensor, shape, f"{where}.shortcut")
        check_epilogue(node, source, shape[2], self.constants, where)
        if node.real is not None:
            self.write(node.real, "real", shape, f"{where}.real")
        for index, output in enumerate(node.signs):
            self.write(output.tensor, "bits", shape, f"{where}.signs[{index}].tensor")

    def check_groups(self, name: str, groups: int, where: str) -> None:
        """A bits tensor is aligned for one grouping only; ungrouped readers fit with any."""
        if groups == 1:
            return
        first = self.groups.setdefault(name, groups)
        require(
            groups == first,
            f"{where}.groups",
            f"is {groups}, but an earlier node reads {name!r} in {first} groups",
        )

    def read(self, name: str, where: str) -> TensorSpec:
        require(name in self.tensors, where, f"unknown tensor {name!r}")
        require(name in self.written, where, f"reads {name!r}, which no earlier node has written")
        return self.tensors[name]

    def write(self, name: str, kind: str, shape: tuple[int, int, int], where: str) -> None:
        require(name in self.tensors, where, f"unknown tensor {name!r}")
        require(name not in self.written, where, f"{name!r} is written already")
        tensor = self.tensors[name]
        require(tensor.kind == kind, where, f"writes {kind}, {name!r} is {tensor.kind}")
        require(
            tensor.shape == shape,
            where,
            f"the node yields {shape}, {name!r} is declared as {tensor.shape}",
        )
        self.written.add(name)
