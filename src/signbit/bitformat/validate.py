"""What makes a graph and its constants valid, checked in the order of docs/format.md.

native/src/format/validate/ has the same checks in the same order, written apart from these, and a
test asks both about the same files: they agree on the verdict and on the field.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from signbit.bitformat.checks import Array, Constants, require, value_in_range
from signbit.bitformat.constant_rules import check_constants
from signbit.bitformat.graph import Graph, GraphOutput, Node, Output, Resize, Shape, Step
from signbit.bitformat.int16_stem import MAX_PIXEL, has_integer_sums
from signbit.bitformat.shapes import SHAPE_RULES, check_shape
from signbit.bitformat.steps import check_step
from signbit.bitformat.table import LIMITS
from signbit.errors import ModelFileError

__all__ = ["Tensor", "arity", "validate"]


class Tensor(NamedTuple):
    """What a tensor of the graph holds for one image; kind is image, real or bits."""

    kind: str
    shape: Shape


def validate(graph: Graph, constants: Mapping[str, Array]) -> tuple[Tensor, ...]:
    """Check everything that docs/format.md asks of a graph and its constants; return its tensors.

    Raises ModelFileError naming the field.
    """
    table = Constants(constants)
    tensors = _Nodes(graph, table).check()
    _check_outputs(graph, tensors, table)
    table.require_all_used()
    return tensors


def arity(node: Node) -> int:
    """How many of its inputs a node's operation reads; the others are there for its steps."""
    if not node.rule.many:
        return len(node.rule.inputs)
    by_steps = [step["input"] for step in node.steps if _reads(step)]
    return min(by_steps, default=len(node.inputs))


def _reads(step: Step) -> bool:
    return any(key.type == "operand" for key in step.rule.keys)


class _Nodes:
    """Walks the nodes in order, and knows every tensor that is there by then."""

    def __init__(self, graph: Graph, constants: Constants) -> None:
        self.graph = graph
        self.constants = constants
        self.tensors: list[Tensor] = []
        self.groups: dict[int, int] = {}
        """A bits tensor → the groups of the grouped convolutions and sums that read it."""

    def check(self) -> tuple[Tensor, ...]:
        self.check_inputs()
        value_in_range(len(self.graph.nodes), 1, LIMITS["items"], "nodes")
        names: set[str] = set()
        for index, node in enumerate(self.graph.nodes):
            where = f"nodes[{index}]"
            require(node.name not in names, f"{where}.name", f"{node.name!r} is an earlier node's")
            names.add(node.name)
            try:
                self.check_node(node, where)
            except ModelFileError as error:
                raise ModelFileError(f"{error} (node {node.name!r})") from error
        return tuple(self.tensors)

    def check_inputs(self) -> None:
        given = self.graph.inputs
        value_in_range(len(given), 1, LIMITS["operands"], "inputs")
        for index, each in enumerate(given):
            where = f"inputs[{index}]"
            earlier = [before.name for before in given[:index]]
            require(each.name not in earlier, f"{where}.name", f"{each.name!r} is an earlier one's")
            require(
                each.resize is None or each.kind == "image", f"{where}.resize", "goes with images"
            )
            if each.table is not None:
                place, shape = f"{where}.table", (MAX_PIXEL + 1, each.shape[2])
                require(each.kind == "image", place, "goes with images")
                self.constants.shaped(each.table, ("U8",), shape, place)
            check_shape(each.shape, where)
            if each.resize is not None:
                _check_colours(each.resize, each.shape[2], f"{where}.resize")
            self.tensors.append(Tensor(each.kind, each.shape))

    def check_node(self, node: Node, where: str) -> None:
        inputs = self.read_inputs(node, where)
        self.check_groups(node, inputs[0], where)
        channels = check_constants(node, inputs[0].kind, inputs[0].shape, self.constants, where)
        shapes = [tensor.shape for tensor in inputs[: arity(node)]]
        shape = SHAPE_RULES[node.rule.shape](node, shapes, channels, where)
        check_shape(shape, where)
        for index, step in enumerate(node.steps):
            place = f"{where}.steps[{index}]"
            kinds = [(tensor.kind, tensor.shape) for tensor in inputs]
            check_step(node, step, kinds, shape, self.constants, place)
        for index, output in enumerate(node.outputs):
            self.check_output(node, output, shape, f"{where}.outputs[{index}]")
        require(
            len(self.tensors) <= LIMITS["items"],
            f"{where}.outputs",
            f"the graph has more than {LIMITS['items']} tensors",
        )

    def read_inputs(self, node: Node, where: str) -> list[Tensor]:
        """The tensors that a node reads, which must be there, of kinds that it reads."""
        rule, count = node.rule, arity(node)
        require(
            count >= len(rule.inputs) and len(node.inputs) >= count,
            f"{where}.inputs",
            f"{node.op} reads {len(rule.inputs)}, the node has {min(count, len(node.inputs))}",
        )
        inputs: list[Tensor] = []
        for index, number in enumerate(node.inputs):
            place = f"{where}.inputs[{index}]"
            require(
                0 <= number < len(self.tensors),
                place,
                f"reads tensor {number}, which no earlier node has written",
            )
            tensor = self.tensors[number]
            kinds: tuple[str, ...] = ("real",)
            if index < count:
                kinds = rule.inputs[min(index, len(rule.inputs) - 1)]
            require(tensor.kind in kinds, place, f"must be {' or '.join(kinds)}, is {tensor.kind}")
            if index < count and rule.many:
                require(
                    tensor.kind == inputs[0].kind if inputs else True,
                    place,
                    "is of another kind than the first input",
                )
            inputs.append(tensor)
        by_steps = {step["input"] for step in node.steps if _reads(step)}
        for index in range(count, len(node.inputs)):
            require(index in by_steps, f"{where}.inputs[{index}]", "is read by no step")
        return inputs

    def check_groups(self, node: Node, source: Tensor, where: str) -> None:
        """Groups divide the channels, and a bits tensor is aligned for one grouping only."""
        if not any(key.name == "groups" for key in node.rule.keys):
            return
        groups = node["groups"]
        require(
            source.shape[2] % groups == 0,
            f"{where}.groups",
            f"{groups} does not divide the {source.shape[2]} input channels",
        )
        if groups == 1 or not node.rule.counts_signs:
            return
        first = self.groups.setdefault(node.inputs[0], groups)
        require(
            groups == first,
            f"{where}.groups",
            f"is {groups}, but an earlier node reads the same signs in {first} groups",
        )

    def check_output(self, node: Node, output: Output, shape: Shape, where: str) -> None:
        after = len(node.steps) if output.after is None else output.after
        require(
            after <= len(node.steps), f"{where}.after", f"is {after}, of {len(node.steps)} steps"
        )
        if output.kind == "signs":
            self.check_signs(node, output, after, shape[2], where)
        self.tensors.append(Tensor("real" if output.kind == "real" else "bits", shape))

    def check_signs(
        self, node: Node, output: Output, after: int, channels: int, where: str
    ) -> None:
        if output.threshold is not None:
            array = self.constants.shaped(
                output.threshold, ("F32", "I32"), (channels,), f"{where}.threshold"
            )
            if array.dtype.kind == "i":
                require(
                    has_integer_sums(node, self.constants.arrays),
                    f"{where}.threshold",
                    f"I32 compares integers, which {node.op} does not yield here",
                )
                require(
                    after == 0, f"{where}.after", "must be 0, as an I32 threshold compares integers"
                )
        if output.flip is not None:
            flip = self.constants.shaped(output.flip, ("U8",), (channels,), f"{where}.flip")
            if self.constants.is_first(output.flip, 0):
                require(bool((flip <= 1).all()), f"{where}.flip", "must be 0 or 1")


def _check_colours(resize: Resize, channels: int, where: str) -> None:
    bars = resize.letterbox
    require(
        bars is None or len(bars) == channels,
        f"{where}.letterbox",
        f"must have one value for each of the {channels} channels",
    )
    require(resize.colours == "rgb" or channels == 3, f"{where}.colours", "goes with 3 channels")


def _check_outputs(graph: Graph, tensors: tuple[Tensor, ...], constants: Constants) -> None:
    value_in_range(len(graph.outputs), 1, LIMITS["outputs"], "outputs")
    names: set[str] = set()
    for index, output in enumerate(graph.outputs):
        where = f"outputs[{index}]"
        require(output.name not in names, f"{where}.name", f"{output.name!r} is an earlier one's")
        names.add(output.name)
        inside = len(graph.inputs) <= output.tensor < len(tensors)
        require(inside, f"{where}.tensor", f"no node writes tensor {output.tensor}")
        channels = tensors[output.tensor].shape[2]
        require(
            len(output.classes) in (0, channels),
            f"{where}.classes",
            f"has {len(output.classes)} names, the tensor has {channels} channels",
        )
        if output.confidence is not None:
            _check_confidence(output, tensors[output.tensor].kind, constants, f"{where}.confidence")


def _check_confidence(output: GraphOutput, kind: str, constants: Constants, where: str) -> None:
    require(kind == "real", where, "goes with reals")
    assert output.confidence is not None
    temperature, least = constants.shaped(output.confidence, ("F32",), (2,), where)
    require(bool(temperature > 0), where, "must begin with a temperature above 0")
    require(bool(0 <= least < 1), where, "must end with a probability from 0 to below 1")
