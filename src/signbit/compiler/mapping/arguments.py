"""What a call's arguments are: values of the graph, constants, numbers, sizes; or why not."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.fx import Node as FxNode

from signbit.compiler.axes import order_of, pending
from signbit.compiler.checks.exportable import of_training_mode
from signbit.compiler.ir import HALVES, Node, Origin, refuse
from signbit.compiler.mapping.choices import is_pointwise
from signbit.compiler.mapping.unknown import instead_of_shape
from signbit.compiler.mapping.values import Tracer
from signbit.errors import CompileError

__all__ = ["Arguments"]


class Arguments:
    """The arguments of one call of an operation, by name.

    Methods that read one raise CompileError naming module, op and reason where it is of the wrong
    kind.
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
        self.images = self._place_of_images()
        """Which dimension the images are: of what is computed value by value any, else the first.

        Arguments and the result then are as if the images came first.
        """

    def _place_of_images(self) -> int:
        waiting = [x for x in self.fx.all_input_nodes if pending(x) is not None]
        if not waiting or not is_pointwise(self.fx) or not all(map(order_of, waiting)):
            return 0
        places = {self._images_of(x) - x.meta["val"].dim() for x in (self.fx, *waiting)}
        return self._images_of(self.fx) if len(places) == 1 else 0

    def _images_of(self, fx: FxNode) -> int:
        result = fx.meta["val"]
        result = result[0] if isinstance(result, tuple | list) else result
        sizes = [str(size) for size in result.shape]
        return sizes.index(self.tracer.batch) if self.tracer.batch in sizes else -1

    @property
    def layer(self) -> str:
        """Path of the module that calls, or the operation's name where the model itself does."""
        return self.origin.module or self.short

    @property
    def short(self) -> str:
        """The operation's name, without namespace and overload."""
        parts = self.origin.target.split(".")
        return parts[1] if len(parts) > 1 else "result"

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
        if pending(argument) is not None and not self.images:
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
        if self.images and array.ndim:
            full = array.reshape((1,) * (self.fx.meta["val"].dim() - array.ndim) + array.shape)
            return np.moveaxis(full, self.images, 0)
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

    def sizes(self, name: str | None = None) -> tuple[int, ...]:
        """Sizes without the batch of the call's result, or of an argument."""
        fx = self.fx if name is None else self.arguments[name]
        result = fx.meta["val"]
        result = result[0] if isinstance(result, tuple | list) else result
        place, rest = self._images_of(fx), list(result.shape)
        if place != 0 and (place < 0 or not self.images):
            raise self.refuse("does not keep one result for each image as its first dimension")
        del rest[place]
        if not all(isinstance(size, int) for size in rest):
            raise self.refuse(f"yields a size that is not fixed: {tuple(rest)}")
        return tuple(rest)
