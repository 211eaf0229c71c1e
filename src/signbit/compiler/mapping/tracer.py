"""What a mapping may ask of the walk over the exported graph: values, constants, shapes, names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.fx import Node as FxNode

from signbit.bitformat.graph import Pair
from signbit.bitformat.taps import axis_taps, tap_sets_at_any_size
from signbit.compiler.axes import USUAL, fitting, order_of, pending, shape_in, transposed
from signbit.compiler.checks.exportable import of_training_mode
from signbit.compiler.ir import HALVES, Node, Origin, Shape, Step, refuse
from signbit.compiler.mapping.unknown import instead_of_shape
from signbit.compiler.mapping.values import Tracer
from signbit.errors import CompileError

__all__ = ["Call", "Tracer"]

BINARIZERS = ("activation_binarizer", "weight_binarizer")
"""What a binary layer calls the modules that take its signs."""


class Call:
    """One call of an operation: its arguments by name, and where it stands.

    Methods that read an argument raise CompileError naming module, op and reason where it is of
    the wrong kind.
    """

    def __init__(self, tracer: Tracer, fx: FxNode, origin: Origin) -> None:
        self.tracer = tracer
        self.fx = fx
        self.origin = origin
        # `getitem`, which takes one of several results, has no schema.
        schema = fx.target._schema.arguments if isinstance(fx.target, torch._ops.OpOverload) else ()
        self.arguments: dict[str, Any] = {
            a.name: a.default_value for a in schema if a.has_default_value()
        }
        self.arguments |= {a.name: value for a, value in zip(schema, fx.args, strict=False)}
        self.arguments |= fx.kwargs
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

    @property
    def layer(self) -> str:
        """Path of the module that calls, or the operation's name where the model itself does."""
        return self.origin.module or self.short

    @property
    def short(self) -> str:
        """The operation's name, without namespace and overload."""
        parts = self.origin.target.split(".")
        return parts[1] if len(parts) > 1 else "result"

    def title(self) -> tuple[str, bool]:
        """What the call's nodes are named after, and whether that may be a node's whole name.

        A binarizer is a part of its layer, so its nodes are named after the layer and after what
        they do: the file repeats names many times, and `conv.squeeze` says as much as
        `conv.activation_binarizer.squeeze`. The layer's own name is left to its own node.
        """
        *outer, last = self.layer.split(".")
        outer = [part for part in outer if part not in BINARIZERS]
        return (".".join(outer), False) if last in BINARIZERS else (".".join([*outer, last]), True)

    def refuse(self, reason: str, cure: str = "") -> CompileError:
        """The error for what the engine cannot do about this call, and what works instead."""
        return refuse(self.origin, reason, cure)

    def refuse_training(self, reason: str, cure: str) -> CompileError:
        """The same of what a module does while it trains, which the module's mode may explain."""
        if self.origin.module in self.tracer.in_training:
            return CompileError(of_training_mode(self.origin.module))
        return self.refuse(reason, cure)

    def value(self, name: str) -> Node:
        """The value an argument became."""
        return self.checked(self.raw(name))

    def map(self, name: str) -> Node:
        """As `value`, of an argument whose dimensions must be channels, rows and columns."""
        node, sizes, order = self.value(name), self.sizes(name), order_of(self.arguments[name])
        usual = USUAL[len(sizes)] if len(sizes) < len(USUAL) else ""
        orders = [each for each in (order, transposed(order)) if fitting(sizes, each, usual)]
        if not usual or not orders:
            raise self.refuse(
                f"reads {sizes} for each image, of which the first are no channels",
                "put them there: x.transpose(1, -1)",
            )
        if len(self.order) == len(usual):
            self.order = usual
        return node if order in orders else self.exchanged(node)

    def real_map(self, name: str) -> Node:
        """As `map`, signs as −1 and +1."""
        return self.as_real(self.map(name))

    def with_channels(self, name: str, dim: int) -> Node:
        """As `value`, where a dimension of it must be the channels, as of the result."""
        node, order = self.value(name), order_of(self.arguments[name])
        if self.axis(dim, name) == "C":
            return node
        if self.axis(dim, name) != "W":
            sizes = self.sizes(name)
            raise self.refuse(
                f"needs dimension {dim % (len(sizes) + 1)} of {sizes} for each image as channels",
                "the engine exchanges them with the columns alone: flatten maps by x.flatten(2)",
            )
        self.order = transposed(order) if len(self.order) == len(order) else self.order
        return self.exchanged(node)

    def exchanged(self, node: Node) -> Node:
        """Append a value whose columns and channels change places."""
        shape = Shape(node.shape.height, node.shape.channels, node.shape.width)
        return self.add("transpose", node, part="exchanged", shape=shape)

    def values(self, name: str) -> list[Node]:
        """The values that an argument, a list, became."""
        return [self.checked(self.node(name, item)) for item in self.arguments[name]]

    def raw(self, name: str) -> Node:
        """As `value`, but half an operation is allowed, too (`ir.HALVES`)."""
        return self.node(name, self.arguments[name])

    def node(self, name: str, argument: Any) -> Node:
        """The value that an argument of this name, or an item of it, became."""
        if not isinstance(argument, FxNode) or argument not in self.tracer.values:
            raise self.refuse(f"{name} is neither a parameter nor computed from the image")
        if pending(argument) is not None:
            sizes = tuple(argument.meta["val"].shape)
            raise self.refuse(f"reads {sizes}", instead_of_shape(sizes[1:]))
        return self.tracer.graph[self.tracer.values[argument]]

    def checked(self, node: Node) -> Node:
        """The node, unless it is half an operation."""
        node = self.tracer.computed(node)
        if node.op in HALVES:
            raise self.refuse(f"reads {node.origin}; {HALVES[node.op]}")
        return node

    def real(self, name: str) -> Node:
        """The value an argument became, signs as −1 and +1: for what does not read bits."""
        return self.as_real(self.value(name))

    def as_real(self, node: Node) -> Node:
        """The node; of signs −1 and +1 as reals."""
        return self.tracer.as_real(node)

    def is_constant(self, name: str) -> bool:
        """Whether an argument is a number or depends on parameters alone."""
        argument = self.arguments[name]
        return isinstance(argument, int | float) or argument in self.tracer.constants

    def constant(self, name: str) -> npt.NDArray[np.float64]:
        """An argument that depends on parameters alone, as float64."""
        return self.constant_of(name, self.arguments[name])

    def constant_of(self, name: str, argument: Any) -> npt.NDArray[np.float64]:
        """As `constant`, for a given argument; `name` is what messages call it."""
        if isinstance(argument, int | float):
            array = np.array(argument, np.float64)
        elif argument in self.tracer.constants:
            value = self.tracer.constants[argument]
            assert isinstance(value, Tensor)
            array = value.to(torch.float64).numpy()
        else:
            raise self.refuse(f"{name} must be a parameter or constant, it depends on the image")
        if not np.isfinite(array).all():
            raise self.refuse(f"{name} has a value that is not finite")
        return array

    def optional_constant(self, name: str) -> npt.NDArray[np.float64] | None:
        """As `constant`, or None where the argument is absent."""
        return None if self.arguments[name] is None else self.constant(name)

    def pair(self, name: str) -> tuple[int, int]:
        """An argument that is one integer or two, [vertical, horizontal]."""
        value = self.arguments[name]
        items = [value] if isinstance(value, int) else list(value)
        if not all(isinstance(item, int) for item in items) or not 1 <= len(items) <= 2:
            raise self.refuse(f"{name} must be one or two fixed integers, is {value}")
        return items[0], items[-1]

    def window(self, name: str, one: int) -> tuple[int, int]:
        """As `pair`, of a window over maps; over signals, which have one row, `one` is vertical."""
        vertical, horizontal = self.pair(name)
        return (one, horizontal) if len(self.sizes()) == 2 else (vertical, horizontal)

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

    def sizes(self, name: str | None = None) -> tuple[int, ...]:
        """Sizes without the batch of the call's result, or of an argument."""
        fx = self.fx if name is None else self.arguments[name]
        result = fx.meta["val"]
        result = result[0] if isinstance(result, tuple | list) else result
        batch, *rest = result.shape or (None,)
        if str(batch) != self.tracer.batch:
            raise self.refuse("does not keep one result for each image as its first dimension")
        if not all(isinstance(size, int) for size in rest):
            raise self.refuse(f"yields a size that is not fixed: {tuple(rest)}")
        return tuple(rest)

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
