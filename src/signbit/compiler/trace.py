"""From an exported model to the compiler's graph: the walk over what torch.export made.

It folds what is constant; what each other operation means is in `mapping`."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.fx import Node as FxNode

from signbit.compiler.axes import order_of, pending, put_order, put_pending, why_no_output
from signbit.compiler.checks.exportable import what_is_written
from signbit.compiler.checks.silent_floats import KeptReal
from signbit.compiler.exporting.answers import result_names
from signbit.compiler.exporting.exported import filled, origin_of, stored_tensors
from signbit.compiler.inputs import ModelInput
from signbit.compiler.ir import HALVES, LOGITS, Graph, Node, Origin, refuse
from signbit.compiler.mapping import MAPPINGS, Call, Tracer
from signbit.compiler.mapping.choices import chosen, is_pointwise
from signbit.compiler.mapping.moves.over_views import wait_again
from signbit.compiler.mapping.unknown import why_unknown
from signbit.compiler.mapping.values import add_inputs, refuse_unused
from signbit.compiler.pixel_signs import ask_pytorch
from signbit.compiler.repeated_constants import constant_arguments
from signbit.errors import CompileError, Refusal

__all__ = ["trace"]

_SIGNS = (
    torch.ops.signbit.sign.default,
    torch.ops.aten.sign.default,
    torch.ops.aten.sgn.default,
)

_FILLED = "reads a tensor of the size of the images that holds one number everywhere"
_FILLS = {"aten.new_full.default", "aten.new_ones.default", "aten.new_zeros.default"}
_LIKES = {"aten.full_like.default", "aten.ones_like.default", "aten.zeros_like.default"}


def trace(
    program: ExportedProgram,
    inputs: Sequence[ModelInput],
    kept_real: Mapping[str, KeptReal] | None = None,
    allow_real: Sequence[str] = (),
    any_size: bool = False,
    in_training: Collection[str] = (),
) -> Graph:
    """The compiler's graph of an exported model, from raw pixels (0 to 255) to the model's output.

    inputs: what the model takes, in its order; pixels are normalised first. kept_real: as
    `silent_floats.kept_real` has it. allow_real: layers that may compute with reals although their
    operands were meant to be signs. any_size: whether the graph must hold for images of other
    sizes, too (`compiler.sizes` sees to it that it does). in_training: paths of the modules that
    are in training mode. Every operation that has no counterpart, and every layer that lost its
    signs, is in the graph's `refused`, which then is no whole graph. Raises CompileError where the
    model takes another number of tensors.
    """
    walk = _Walk(program, kept_real or {})
    walk.any_size, walk.in_training = any_size, in_training
    add_inputs(walk, program, inputs)
    walk.graph.refused += what_is_written(program.graph_signature, in_training)
    for fx in program.graph.nodes:
        walk.visit(fx)
    walk.require_signs(allow_real)
    if not walk.broken:
        ask_pytorch(walk.graph, program, inputs)
    return walk.graph


class _Walk(Tracer):
    def __init__(self, program: ExportedProgram, kept_real: Mapping[str, KeptReal]) -> None:
        super().__init__()
        self.kept_real = kept_real
        self.program = program
        signature = program.graph_signature
        self.names = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
        self.stored = stored_tensors(program)
        self.filled: set[FxNode] = set()
        """Constants that stand for a tensor of the size of the images, everywhere the same."""
        self.broken = False
        """Whether a parameter is not finite, so that PyTorch's values say nothing."""

    def require_signs(self, allowed: Sequence[str]) -> None:
        """Refuse each layer that lost its signs and is not allowed to, and other names."""
        refused, lost = self.graph.refused, self.lost
        for name in allowed:
            if name not in lost and not refused:
                reason = f"allow_real: {name!r} is no layer that lost its signs"
                choices = f"choose among {', '.join(lost)}" if lost else "this model has none"
                refused.append(Refusal("", "", reason, choices))
        for name, error in lost.items():
            if name not in allowed:
                (refusal,) = error.refusals
                cure = (
                    "to compute the layer in float32 all the same, name it: "
                    f"allow_real=[{name!r}] or --allow-real {name}"
                )
                refused.append(replace(refusal, cure=cure))

    def visit(self, fx: FxNode) -> None:
        """Map a node; where that is refused, go on with any value of the same shape."""
        try:
            self.map(fx)
        except CompileError as error:
            # What was refused, or may be so for lack of an operand's value, is not refused again.
            operands = [self.values[node] for node in fx.all_input_nodes[1:] if node in self.values]
            if not any(self.is_of_unknown(self.graph[name]) for name in operands):
                self.graph.refused += error.refusals
            self.assume(fx)

    def any_output(self, sources: Sequence[str] = ()) -> str:
        """Any value, to be an output, computed of these; by default of all that nobody reads."""
        graph = self.graph
        names = [node.name for node in graph if node.op not in HALVES]
        first = graph.inputs[0]
        sources = sources or [name for name in names if not graph.readers(name)] or [first.name]
        name, origin = graph.unique("output"), Origin("", "", "output")
        graph.add(Node(name, "unknown", tuple(sources), first.shape, origin))
        return name

    def assume(self, fx: FxNode) -> None:
        """Let any value take the place of a call's result, if it is reals of a shape known."""
        sources: list[Node] = []
        for node in fx.all_input_nodes:
            known = [self.graph[self.values[node]]] if node in self.values else []
            sources += [each for each in known if each.op not in HALVES]
            sources += self.unknown.get(node, [])
        self.unknown[fx] = sources
        with suppress(CompileError):
            is_one = fx.op == "call_function" and isinstance(fx.meta.get("val"), Tensor)
            if is_one and _reals(fx) == torch.float32:
                call = Call(self, fx, origin_of(fx))
                self.values[fx] = call.add("unknown", *(sources or self.graph.inputs[:1])).name
                put_order(fx, call.order)

    def map(self, fx: FxNode) -> None:
        """Map a node of the exported graph."""
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
        if name and broken:
            reason = f"{broken} of its {value.numel()} values are NaN or infinite"
            cure = "load weights from before training diverged"
            self.graph.refused.append(Refusal(name, "", reason, cure))
            self.broken = True
            return value.nan_to_num(1.0, 1.0, 1.0)
        return value

    def call(self, fx: FxNode) -> None:
        inputs = fx.all_input_nodes
        mapping = MAPPINGS.get(str(fx.target))
        is_filled = any(node in self.filled for node in inputs)
        if is_filled and _is_tensor(fx) and not is_pointwise(fx):
            raise refuse(origin_of(fx), _FILLED, "write the number itself")
        if mapping is None and torch.Tag.nondeterministic_seeded in getattr(fx.target, "tags", ()):
            raise refuse(origin_of(fx), *why_unknown(fx))
        if any(node in self.unknown and node not in self.values for node in inputs):
            self.assume(fx)
            return
        if not any(node in self.values for node in inputs):
            self.fold(fx)
            self.filled |= {fx} if is_filled else set()
            return
        origin = origin_of(fx)
        if fx.target is operator.getitem and inputs[0] in self.results:
            self.take(fx, inputs[0])
            return
        if str(fx.target) in _FILLS | _LIKES and inputs == [fx.args[0]]:
            self.constants[fx] = filled(fx)
            self.filled |= {fx} if str(fx.target) in _LIKES else set()
            return
        mapping = chosen(self, fx) or mapping
        if mapping is None and not _is_tensor(fx):
            return  # sizes and assertions about them: the graph's shapes are known without
        if mapping is None:
            raise refuse(origin, *why_unknown(fx))
        kind = _reals(fx)
        if kind not in (None, torch.float32):
            raise refuse(origin, f"yields {kind}", "the engine's reals are float32")
        call = Call(self, fx, origin)
        made = mapping(call)
        put_order(fx, call.order)
        nodes = [made] if isinstance(made, Node) else made
        wait_again(call, nodes[0])
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
        put_order(fx, order_of(made_by))
        put_pending(fx, (pending(made_by) or {}).get(place))
        origin = self.graph[name].origin
        if origin.export == made_by.name:
            self.graph.update(name, origin=origin._replace(export=fx.name))

    def fold(self, fx: FxNode) -> None:
        """Evaluate what depends on parameters alone, or on nothing; leave sizes out."""
        arguments = constant_arguments(fx, self.constants, self.batch)
        if arguments is None:
            return
        args, kwargs = arguments
        weight = args[0] if fx.target in _SIGNS else None
        if isinstance(weight, Tensor) and not weight.isfinite().all():
            raise refuse(origin_of(fx), "takes the sign of NaN or infinity", "no weight is that")
        with torch.no_grad():
            self.constants[fx] = cast("Callable[..., Any]", fx.target)(*args, **kwargs)

    def finish(self, fx: FxNode) -> None:
        """Find the outputs, the one with scores first: "logits" or, without such, the model's."""
        names = result_names(self.program) or [LOGITS]
        # They stand behind the buffers that are written into.
        nodes = cast("Sequence[Any]", fx.args[0])[-len(names) :] or (None,)
        results = zip(names, nodes, strict=True)
        for name, node in sorted(results, key=lambda each: each[0] != LOGITS):
            try:
                self.graph.outputs[name] = self.output(node)
            except CompileError as error:
                self.graph.refused += error.refusals
                self.graph.outputs[name] = self.any_output()
        refuse_unused(self.graph)

    def output(self, node: Any) -> str:
        """The value that is an output of the model, as reals."""
        if not isinstance(node, FxNode):
            raise CompileError(f"the model returns {node}; its forward must return tensors")
        if node in self.unknown and node not in self.values:
            return self.any_output([source.name for source in self.unknown[node]])
        if node not in self.values:
            raise CompileError("the model's output does not depend on its input")
        output = self.graph[self.values[node]]
        output = self.computed(output) if _reals(node) == torch.float32 else output
        if output.op in HALVES:
            raise refuse(output.origin, "is the model's output", HALVES[output.op])
        reason, cure = why_no_output(node, output.shape)
        if reason and node not in self.unknown:
            raise refuse(origin_of(node), reason, cure)
        return (self.values_of(output) if output.op == "reals" else self.as_real(output)).name


def _reals(fx: FxNode) -> torch.dtype | None:
    """What the real numbers of a result are; None for something else."""
    value = fx.meta["val"]
    value = value[0] if isinstance(value, tuple | list) else value
    return value.dtype if value.is_floating_point() else None


def _is_tensor(fx: FxNode) -> bool:
    return isinstance(fx.meta.get("val"), Tensor | tuple | list)
