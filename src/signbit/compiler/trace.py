"""From an exported model to the compiler's graph: fold what is constant, map the rest.

Owns the walk over the exported graph; what each operation means is in `mapping`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.fx import Node as FxNode

from signbit.compiler.checks.silent_floats import KeptReal
from signbit.compiler.exported import origin_of, stored_tensors
from signbit.compiler.ir import HALVES, IMAGE, Graph, Node, Origin, Shape, Step, refuse
from signbit.compiler.mapping import MAPPINGS, Call, Tracer
from signbit.compiler.mapping.unknown import why_unknown
from signbit.compiler.pixel_signs import ask_pytorch
from signbit.errors import CompileError

__all__ = ["trace"]

_SIGNS = (
    torch.ops.signbit.sign.default,
    torch.ops.aten.sign.default,
    torch.ops.aten.sgn.default,
)

_FILLS = {"aten.new_full.default", "aten.new_ones.default", "aten.new_zeros.default"}


def trace(
    program: ExportedProgram,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    kept_real: Mapping[str, KeptReal] | None = None,
    allow_real: Sequence[str] = (),
    any_size: bool = False,
) -> Graph:
    """The compiler's graph of an exported model, from raw pixels (0 to 255) to the model's output.

    mean and std, one per channel, in units where 255 is 1: what the pixels are normalised with
    before the model sees them. kept_real: as `silent_floats.kept_real` has it. allow_real: layers
    that may compute with reals although their operands were meant to be signs. any_size: whether
    the graph must hold for images of other sizes, too (`compiler.sizes` sees to it that it does).
    Raises CompileError naming module, op and reason for an operation that has no counterpart, for a
    layer that lost its signs, and for a name that is no such layer's.
    """
    walk = _Walk(program, kept_real or {})
    walk.any_size = any_size
    walk.add_image(mean, std)
    for fx in program.graph.nodes:
        walk.visit(fx)
    _require_signs(walk.lost, allow_real)
    ask_pytorch(walk.graph, program, mean, std)
    return walk.graph


def _require_signs(lost: Mapping[str, CompileError], allowed: Sequence[str]) -> None:
    for name in allowed:
        if name not in lost:
            choices = f"choose among {', '.join(lost)}" if lost else "this model has none"
            raise CompileError(f"allow_real: {name!r} is no layer that lost its signs; {choices}")
    left = [name for name in lost if name not in allowed]
    if left:
        others = f" (likewise: {', '.join(left[1:])})" if left[1:] else ""
        raise CompileError(
            f"{lost[left[0]]}. To compute the layer in float32 all the same, name it: "
            f"allow_real=[{left[0]!r}] or --allow-real {left[0]}{others}"
        )


class _Walk(Tracer):
    def __init__(self, program: ExportedProgram, kept_real: Mapping[str, KeptReal]) -> None:
        super().__init__()
        self.kept_real = kept_real
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
        self.names = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
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
        self.graph.add(Node(IMAGE, "image", (), shape, Origin("", "", "image")))
        scale = 1 / (255 * np.array(std, np.float64))
        shift = -np.array(mean, np.float64) / np.array(std, np.float64)
        name = "normalised"
        affine = Step("affine", {"scale": scale, "shift": shift})
        self.graph.add(Node(name, "identity", (IMAGE,), shape, origin, steps=(affine,)))
        self.values[fx] = name

    def visit(self, fx: FxNode) -> None:
        if fx.op == "placeholder":
            if fx.name in self.stored:
                self.constants[fx] = self.parameter(fx)
        elif fx.op == "output":
            self.finish(fx)
        elif fx.op == "call_function":
            self.call(fx)
        else:
            raise refuse(origin_of(fx), "has no counterpart in the engine")

    def parameter(self, fx: FxNode) -> Tensor:
        """A parameter, buffer or lifted constant; the first two must be finite where they are read.

        A sign makes +1 of what is NaN, so that nothing behind it would show it.
        """
        value = self.stored[fx.name].detach()
        name = self.names.get(fx.name)
        broken = int((~value.isfinite()).sum()) if name and fx.users else 0
        if broken:
            raise CompileError(
                f"{name}: {broken} of its {value.numel()} values are NaN or infinite; load weights "
                "from before training diverged"
            )
        return value

    def call(self, fx: FxNode) -> None:
        inputs = fx.all_input_nodes
        if torch.Tag.nondeterministic_seeded in getattr(fx.target, "tags", ()):
            raise refuse(origin_of(fx), "yields random values")
        if not any(node in self.values for node in inputs):
            self.fold(fx)
            return
        origin = origin_of(fx)
        if fx.target is operator.getitem and inputs[0] in self.results:
            self.take(fx, inputs[0])
            return
        if str(fx.target) in _FILLS and inputs == [fx.args[0]]:
            self.constants[fx] = _filled(fx)
            return
        mapping = MAPPINGS.get(str(fx.target))
        if mapping is None and not _is_tensor(fx):
            return  # sizes and assertions about them: the graph's shapes are known without
        if mapping is None:
            raise refuse(origin, why_unknown(fx))
        kind = _reals(fx)
        if kind not in (None, torch.float32):
            raise refuse(origin, f"yields {kind}; the engine's reals are float32")
        made = mapping(Call(self, fx, origin))
        nodes = [made] if isinstance(made, Node) else made
        self.values[fx] = nodes[0].name
        if isinstance(fx.meta["val"], tuple | list):
            self.results[fx] = [node.name for node in nodes]

    def take(self, fx: FxNode, made_by: FxNode) -> None:
        """One of an operation's several results.

        Of batch normalisation and pooling only the first is one, the others are statistics or
        places of values.
        """
        names, place = self.results[made_by], fx.args[1]
        assert isinstance(place, int)
        if place >= len(names):
            raise refuse(
                origin_of(made_by), f"has a result {place} that the engine does not compute"
            )
        name = self.values[fx] = names[place]
        origin = self.graph[name].origin
        if origin.export == made_by.name:
            self.graph.update(name, origin=origin._replace(export=fx.name))

    def fold(self, fx: FxNode) -> None:
        """Evaluate what depends on parameters alone, or on nothing; leave sizes out."""
        if not all(node in self.constants for node in fx.all_input_nodes):
            return

        def value(node: FxNode) -> Any:
            return self.constants[node]

        args = torch.fx.map_arg(fx.args, value)
        kwargs = torch.fx.map_arg(fx.kwargs, value)
        function = cast("Callable[..., Any]", fx.target)
        if fx.target in _SIGNS and not _is_finite(args[0]):
            raise refuse(origin_of(fx), "takes the sign of NaN or infinity; no weight is that")
        with torch.no_grad():
            self.constants[fx] = function(*args, **kwargs)

    def finish(self, fx: FxNode) -> None:
        result = fx.args[0]
        assert isinstance(result, tuple | list)
        (node,) = result
        if not isinstance(node, FxNode):
            raise CompileError(f"the model returns {node}; its forward must return the logits")
        if node not in self.values:
            raise CompileError("the model's output does not depend on its input")
        output = self.graph[self.values[node]]
        if output.op in HALVES:
            raise refuse(output.origin, f"is the model's output; {HALVES[output.op]}")
        self.graph.output = self.as_real(output).name


def _filled(fx: FxNode) -> Tensor:
    """A new tensor of fixed sizes: of its first argument it takes the kind of number alone."""
    function = cast("Callable[..., Tensor]", fx.target)
    (like,) = fx.all_input_nodes
    return function(torch.empty(0, dtype=like.meta["val"].dtype), *fx.args[1:], **fx.kwargs)


def _is_finite(value: Any) -> bool:
    return not isinstance(value, Tensor) or bool(value.isfinite().all())


def _reals(fx: FxNode) -> torch.dtype | None:
    """What the real numbers of a result are; None for something else."""
    value = fx.meta["val"]
    value = value[0] if isinstance(value, tuple | list) else value
    return value.dtype if value.is_floating_point() else None


def _is_tensor(fx: FxNode) -> bool:
    value = fx.meta.get("val")
    return isinstance(value, Tensor | tuple | list)
