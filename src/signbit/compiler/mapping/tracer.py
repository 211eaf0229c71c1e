"""What a mapping asks of a call, and what it appends for it: orders, shapes, names, nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch.fx import Node as FxNode

from signbit.bitformat.graph import Pair
from signbit.bitformat.taps import axis_taps, tap_sets_at_any_size
from signbit.compiler.axes import USUAL, after_exchanges, exchanges, order_of, shape_in
from signbit.compiler.ir import Node, Origin, Shape, Step
from signbit.compiler.mapping.arguments import Arguments
from signbit.compiler.mapping.unknown import instead_of_shape
from signbit.compiler.mapping.values import Tracer

__all__ = ["Call", "Tracer"]

BINARIZERS = ("activation_binarizer", "weight_binarizer")
"""What a binary layer calls the modules that take its signs."""


class Call(Arguments):
    """One call of an operation: its arguments by name, and where it stands."""

    def __init__(self, tracer: Tracer, fx: FxNode, origin: Origin) -> None:
        super().__init__(tracer, fx, origin)
        self.order = self._order()
        """Which axis of a map each dimension of the result is; a mapping may put another one."""

    def _order(self) -> str:
        """That of the first operand with as many dimensions, or else the usual one."""
        usual = order_of(self.fx)
        orders = map(order_of, (x for x in self.fx.all_input_nodes if x in self.tracer.values))
        return next((order for order in orders if len(order) == len(usual)), usual)

    def axis(self, dim: int, name: str | None = "self") -> str:
        """Which axis a dimension of an argument, or of the result, is: C, H or W; N of images."""
        order = self.order if name is None else order_of(self.arguments[name])
        return ("N" + order)[dim % (len(order) + 1)]

    def title(self) -> tuple[str, bool]:
        """What the call's nodes are named after, and whether that may be a node's whole name.

        A binarizer is a part of its layer, so its nodes are named after the layer and after what
        they do: the file repeats names many times, and `conv.squeeze` says as much as
        `conv.activation_binarizer.squeeze`. The layer's own name is left to its own node.
        """
        *outer, last = self.layer.split(".")
        outer = [part for part in outer if part not in BINARIZERS]
        return (".".join(outer), False) if last in BINARIZERS else (".".join([*outer, last]), True)

    def map(self, name: str) -> Node:
        """As `value`, of an argument whose dimensions must be channels, rows and columns."""
        sizes = self.sizes(name)
        usual = USUAL[len(sizes)] if len(sizes) < len(USUAL) else ""
        node = self.arranged(self.value(name), sizes, order_of(self.arguments[name]), usual)
        if not usual or node is None:
            raise self.refuse(
                f"reads {sizes} for each image, of which the first are no channels",
                "put them there: x.transpose(1, -1)",
            )
        if len(self.order) == len(usual):
            self.order = usual
        return node

    def real_map(self, name: str) -> Node:
        """As `map`, signs as −1 and +1."""
        return self.as_real(self.map(name))

    def with_channels(self, name: str, dim: int) -> Node:
        """As `value`, where a dimension of it must be the channels, as of the result."""
        order, axis = order_of(self.arguments[name]), self.axis(dim, name)
        if axis == "N":
            raise self.refuse("computes across the images", "the engine answers for each of them")
        pairs = {"C": (), "W": ("WC",), "H": ("HW", "WC")}[axis]
        self.order = after_exchanges(order, pairs) if len(self.order) == len(order) else self.order
        return self.exchanged(self.value(name), pairs)

    def arranged(self, node: Node, sizes: Sequence[int], order: str, wanted: str) -> Node | None:
        """A value with its dimensions as these axes, by as few exchanges as do it; None by none."""
        pairs = exchanges(sizes, order, wanted)
        return None if pairs is None else self.exchanged(node, pairs)

    def exchanged(self, node: Node, pairs: Sequence[str] = ("WC",)) -> Node:
        """Append a value whose axes change places, pair by pair: "WC", or "HW"."""
        for pair in pairs:
            height, width, channels = node.shape
            whole = True if pair == "HW" else None
            shape = (width, height, channels) if whole else (height, channels, width)
            node = self.add(
                "transpose", node, part="exchanged", shape=Shape(*shape), whole_pixels=whole
            )
        return node

    def tap_sets(self, source: Node, window: Mapping[str, Any]) -> tuple[tuple[Pair, ...], ...]:
        """Which taps may lie inside `source`: the sets of rows, and of columns, each [first, last).

        window: kernel, stride, padding and dilation, as a node has them. They are the sets of the
        size compiled for, or all that there are where the file is for any size.
        """
        sets = []
        for axis in (0, 1):
            before, after = window["padding"][axis], window["padding"][axis + 2]
            along = (window["kernel"][axis], window["stride"][axis], before, after)
            dilation = window["dilation"][axis]
            if self.tracer.any_size:
                sets.append(tap_sets_at_any_size(*along, dilation))
            else:
                sets.append(axis_taps(source.shape[axis], *along, dilation).sets)
        return tuple(sets)

    def shape(self) -> Shape:
        """Shape of the call's result for one image."""
        sizes = self.sizes()
        if sizes and len(sizes) == len(self.order):
            return shape_in(sizes, self.order)
        raise self.refuse(f"yields {sizes} for each image", instead_of_shape(sizes))

    def add(
        self,
        op: str,
        *inputs: Node,
        steps: Sequence[Step] = (),
        part: str | None = None,
        shape: Shape | None = None,
        **keys: Any,
    ) -> Node:
        """Append a node for this call, of the file's operations or the compiler's own.

        inputs: what the operation reads, then what steps refer to by place. keys: as the table has
        them, with arrays for constants; those that are None are left out. part: of a node whose
        value is no more than a part of this call's, what it is called; the main one "". shape: of
        such a part.
        """
        graph = self.tracer.graph
        name, is_layer = self.title()
        if part or not is_layer or name in graph:
            name = ".".join(filter(None, (name, part or self.short)))
        node = Node(
            graph.unique(name),
            op,
            tuple(source.name for source in inputs),
            shape or self.shape(),
            self.origin if part is None else self.origin._replace(export=""),
            {name: value for name, value in keys.items() if value is not None},
            tuple(steps),
            body=None if part is None else self.origin,
        )
        return graph.add(replace(node, is_sign=_is_sign(node, inputs)))

    def step(
        self, op: str, source: Node, *operands: Node, part: str | None = None, **keys: Any
    ) -> Node:
        """Append one step on a value; operands: the other value, if the step reads one."""
        place = {"input": 1} if operands else {}
        step = Step(op, {**place, **keys})
        return self.add("identity", source, *operands, steps=[step], part=part)

    def yields(self, node: Node) -> Node:
        """A node that is the call's value, although it may have been appended as a part of it."""
        if node.body != self.origin:
            return node
        return self.tracer.graph.update(node.name, origin=self.origin)

    def choice(self, compared: str, source: Node, **keys: Any) -> Node:
        """Append a choice between two constants; compared: the exported comparison that decides."""
        node = self.add("choice", source, **keys)
        return self.tracer.graph.update(node.name, origin=node.origin._replace(signed=compared))

    def sign_of(self, source: Node) -> Node:
        """Append the sign of a value."""
        node = self.add("sign", source)
        origin = node.origin._replace(signed=source.origin.export)
        return self.tracer.graph.update(node.name, origin=origin)


def _is_sign(node: Node, inputs: Sequence[Node]) -> bool:
    if node.op == "identity":
        return False
    yields = node.rule.yields
    return yields == "bits" or (yields == "input" and not node.steps and inputs[0].is_sign)
