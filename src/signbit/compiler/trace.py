"""From an exported model to the compiler's graph: fold what is constant, map the rest.

Owns the walk over the exported graph; what each operation means is in `mapping`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.fx import Node as FxNode

from signbit.compiler.exported import stored_tensors
from signbit.compiler.ir import HELPERS, IMAGE, Graph, Node, Origin, Shape, refuse
from signbit.compiler.mapping import HALF, MAPPINGS, Call, Tracer
from signbit.compiler.pixel_signs import ask_pytorch
from signbit.errors import CompileError

__all__ = ["trace"]

_NON_LINEARITIES = {
    *("_softmax", "celu", "elu", "erf", "exp", "gelu", "glu", "hardsigmoid", "hardswish"),
    *(
        "log_sigmoid",
        "log_softmax",
        "mish",
        "relu6",
        "rrelu",
        "selu",
        "silu",
        "softmax",
        "softplus",
    ),
    *("softsign", "tanh", "threshold"),
}

_FILLS = {"aten.new_full.default", "aten.new_ones.default", "aten.new_zeros.default"}


def trace(program: ExportedProgram, mean: tuple[float, ...], std: tuple[float, ...]) -> Graph:
    """The compiler's graph of an exported model, from raw pixels (0 to 255) to the model's output.

    mean and std, one a channel, in units where 255 is 1: what the pixels are normalised with
    before the model sees them. Raises CompileError naming module, op and reason for an operation
    that has no counterpart.
    """
    walk = _Walk(program)
    walk.add_image(mean, std)
    for fx in program.graph.nodes:
        walk.visit(fx)
    ask_pytorch(walk.graph, program, mean, std)
    return walk.graph


class _Walk(Tracer):
    def __init__(self, program: ExportedProgram) -> None:
        super().__init__()
        self.program = program
        signature = program.graph_signature
        if len(signature.user_inputs) != 1 or len(signature.user_outputs) != 1:
            raise CompileError(
                "the model must take one tensor of images and return one tensor of logits; it has "
                f"{len(signature.user_inputs)} inputs and {len(signature.user_outputs)} outputs"
            )
        if signature.buffers_to_mutate or signature.user_inputs_to_mutate:
            raise CompileError("the model writes into a buffer or its input while it runs")
        self.input_name = signature.user_inputs[0]
        self.stored = stored_tensors(program)

    def add_image(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        fx = next(n for n in self.program.graph.nodes if n.name == self.input_name)
        origin = Origin(fx.name, "", "input")
        batch, channels, height, width = fx.meta["val"].shape
        self.batch = str(batch)
        if not len(mean) == len(std) == channels:
            raise CompileError(
                f"mean and std must have one value for each of the {channels} channels, "
                f"have {len(mean)} and {len(std)}"
            )
        if not np.isfinite([*mean, *std]).all() or min(std) <= 0:
            raise CompileError("mean must be finite, std finite and positive")
        shape = Shape(height, width, channels)
        self.graph.add(Node(IMAGE, "image", "", shape, Origin("", "", "image")))
        scale = 1 / (255 * np.array(std, np.float64))
        shift = -np.array(mean, np.float64) / np.array(std, np.float64)
        name = "normalised"
        self.graph.add(Node(name, "pointwise", IMAGE, shape, origin, scale=scale, shift=shift))
        self.values[fx] = name

    def visit(self, fx: FxNode) -> None:
        if fx.op == "placeholder":
            if fx.name in self.stored:
                self.constants[fx] = self.stored[fx.name].detach()
        elif fx.op == "output":
            self.finish(fx)
        elif fx.op == "call_function":
            self.call(fx)
        else:
            raise refuse(_origin(fx), "has no counterpart in the engine")

    def call(self, fx: FxNode) -> None:
        inputs = fx.all_input_nodes
        if torch.Tag.nondeterministic_seeded in getattr(fx.target, "tags", ()):
            raise refuse(_origin(fx), "yields random values")
        if not any(node in self.values for node in inputs):
            self.fold(fx)
            return
        origin = _origin(fx)
        if fx.target is operator.getitem and inputs[0] in self.values and fx.args[1] == 0:
            # Batch normalisation returns three tensors; only the first is the result.
            name = self.values[fx] = self.values[inputs[0]]
            made_by = self.graph[name].origin
            self.graph.update(name, origin=made_by._replace(export=fx.name))
            return
        if str(fx.target) in _FILLS and inputs == [fx.args[0]]:
            self.constants[fx] = _filled(fx)
            return
        mapping = MAPPINGS.get(str(fx.target))
        if mapping is None and not _is_tensor(fx):
            return  # sizes and assertions about them: the graph's shapes are known without
        if mapping is None:
            raise refuse(origin, _unknown(str(fx.target)))
        self.values[fx] = mapping(Call(self, fx, origin))

    def fold(self, fx: FxNode) -> None:
        """Evaluate what depends on parameters alone, or on nothing; leave sizes out."""
        if not all(node in self.constants for node in fx.all_input_nodes):
            return

        def value(node: FxNode) -> Any:
            return self.constants[node]

        args = torch.fx.map_arg(fx.args, value)
        kwargs = torch.fx.map_arg(fx.kwargs, value)
        function = cast("Callable[..., Any]", fx.target)
        with torch.no_grad():
            self.constants[fx] = function(*args, **kwargs)

    def finish(self, fx: FxNode) -> None:
        result = fx.args[0]
        assert isinstance(result, tuple | list)
        (node,) = result
        assert isinstance(node, FxNode)
        if node not in self.values:
            raise CompileError("the model's output does not depend on its input")
        output = self.graph[self.values[node]]
        if output.op in HELPERS:
            raise refuse(output.origin, f"is the model's output; {HALF}")
        self.graph.output = output.name


def _filled(fx: FxNode) -> Tensor:
    """A new tensor of fixed sizes: of its first argument it takes the kind of number alone."""
    function = cast("Callable[..., Tensor]", fx.target)
    (like,) = fx.all_input_nodes
    return function(torch.empty(0, dtype=like.meta["val"].dtype), *fx.args[1:], **fx.kwargs)


def _is_tensor(fx: FxNode) -> bool:
    value = fx.meta.get("val")
    return isinstance(value, Tensor | tuple | list)


def _origin(fx: FxNode) -> Origin:
    stack = fx.meta.get("nn_module_stack") or {}
    paths = [path for path, _ in stack.values()]
    target = str(fx.target)
    return Origin(fx.name, paths[-1] if paths else "", target.removesuffix(".default"))


def _unknown(target: str) -> str:
    if target.removeprefix("aten.").split(".")[0] in _NON_LINEARITIES:
        return "the engine has no such non-linearity; it knows relu, hardtanh, prelu, sigmoid"
    return "the engine has no such operation"
