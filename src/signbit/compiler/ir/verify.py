"""Whether a graph of the compiler is whole: what every pass may take for granted, and must leave.

A fault found here is the compiler's own. Operations of the file are held against the file's rules;
before the constants are rounded, float64 stands for float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from signbit.bitformat.checks import Constants
from signbit.bitformat.graph import Node as FileNode
from signbit.bitformat.graph import Shape as FileShape
from signbit.bitformat.graph import Step
from signbit.bitformat.shapes import SHAPE_RULES
from signbit.bitformat.steps import check_step
from signbit.bitformat.table import OPERATIONS, STEPS, Operation, StepRule
from signbit.compiler.ir.graph import Graph
from signbit.compiler.ir.node import Node
from signbit.compiler.ir.own_shapes import OWN_SHAPE_RULES
from signbit.compiler.ir.steps import reads
from signbit.errors import InternalError, ModelFileError

__all__ = ["verify"]


_PER_CHANNEL = (
    *("threshold", "flip", "level", "negated", "below", "above"),
    *("slope", "positive_slope", "mean", "variance", "value"),
)
"""Keys that hold one number for each channel."""


def verify(graph: Graph, after: str = "") -> None:
    """Check a graph; after: the pass that has just run, for the message.

    Every input exists and comes before its reader, kinds and shapes fit, keys are known and there
    where they must be, constants have the right shapes, steps refer to inputs that are there, and
    the output exists. Raises InternalError naming node and field.
    """
    try:
        _verify(graph)
    except ModelFileError as error:
        where = f"after {after}: " if after else ""
        raise InternalError(f"{where}{error}; this is a mistake of the compiler") from error


def _verify(graph: Graph) -> None:
    kinds: dict[str, str] = {}
    for name, node in graph.nodes.items():
        where = repr(name)
        _require(node.name == name, f"{where}.name", f"is {node.name!r}")
        for index, source in enumerate(node.inputs):
            known = source in graph and source in kinds
            _require(known, f"{where}.inputs[{index}]", f"{source!r} is no earlier value")
        _check_keys(node.keys, node.rule, where)
        for index, step in enumerate(node.steps):
            _require(step.op in STEPS, f"{where}.steps[{index}]", f"{step.op!r} is no step")
            _check_keys(step.keys, step.rule, f"{where}.steps[{index}]")
        _check_inputs(node, kinds, where)
        _check_node(graph, node, kinds, where)
        kinds[name] = _kind(node, kinds)
        _require(
            node.is_sign == (kinds[name] == "bits"), f"{where}.is_sign", f"yields {kinds[name]}"
        )
    _require(bool(graph.outputs), "outputs", "there is none")
    for name, value in graph.outputs.items():
        _require(value in graph, f"outputs.{name}", f"{value!r} is no value")


def _check_keys(keys: Mapping[str, Any], rule: Operation | StepRule, where: str) -> None:
    known = {key.name: key for key in rule.keys}
    for name, value in keys.items():
        _require(name in known, f"{where}.{name}", f"is no key of {rule.name}")
        is_array = isinstance(value, np.ndarray)
        wanted = known[name].type == "constant"
        fits = is_array == wanted or (wanted and value is None and not known[name].required)
        _require(fits, f"{where}.{name}", f"holds a {type(value).__name__}")
    for key in rule.keys:
        _require(not key.required or key.name in keys, f"{where}.{key.name}", "is missing")


def _check_inputs(node: Node, kinds: dict[str, str], where: str) -> None:
    """There are enough, of kinds that the operation reads; steps read reals."""
    rule, count = node.rule, node.arity
    _require(
        count >= len(rule.inputs) and len(node.inputs) >= count,
        f"{where}.inputs",
        f"{node.op} reads {len(rule.inputs)}, the node has {len(node.inputs)}",
    )
    by_steps = {step["input"] for step in node.steps if reads(step)}
    for index, source in enumerate(node.inputs):
        wanted: tuple[str, ...] = ("real",)
        if index < count:
            wanted = rule.inputs[min(index, len(rule.inputs) - 1)]
        else:
            _require(index in by_steps, f"{where}.inputs[{index}]", "is read by no step")
        what = f"must be {' or '.join(wanted)}, is {kinds[source]}"
        _require(kinds[source] in wanted, f"{where}.inputs[{index}]", what)


def _check_node(graph: Graph, node: Node, kinds: dict[str, str], where: str) -> None:
    arrays: dict[str, Any] = {}
    keys = _numbered(node.keys, arrays)
    steps = tuple(Step(step.op, _numbered(step.keys, arrays)) for step in node.steps)
    shapes: list[FileShape] = [graph[name].shape for name in node.inputs]
    if node.op in OPERATIONS:
        file_node = FileNode(node.name, node.op, tuple(range(len(shapes))), keys, steps)
        channels = _filters(node, graph, where)
        rule = SHAPE_RULES[node.rule.shape]
        shape = rule(file_node, shapes[: node.arity], channels, where)
        inputs = [(kinds[name], graph[name].shape) for name in node.inputs]
        for index, step in enumerate(steps):
            table = Constants(arrays)
            check_step(file_node, step, inputs, shape, table, f"{where}.steps[{index}]")
    else:
        _require(not node.steps, f"{where}.steps", f"{node.op} is followed by none")
        shape = OWN_SHAPE_RULES[node.rule.shape](node, shapes, where)
    _require(tuple(node.shape) == shape, f"{where}.shape", f"is {node.shape}, must be {shape}")
    for name in _PER_CHANNEL:
        if node.has(name) and node[name] is not None:
            what = f"must have shape ({shape[2]},), has {node[name].shape}"
            _require(node[name].shape == (shape[2],), f"{where}.{name}", what)


def _filters(node: Node, graph: Graph, where: str) -> int:
    """How many filters a weight has, which must fit its window and input.

    Without a weight there are as many as the input has channels.
    """
    channels = graph[node.input].shape.channels
    if node.has("pad_value") and node["pad_value"] is not None:
        what = f"must have shape ({channels},), has {node['pad_value'].shape}"
        _require(node["pad_value"].shape == (channels,), f"{where}.pad_value", what)
    if not node.has("groups"):
        return channels
    _require(channels % node["groups"] == 0, f"{where}.groups", f"do not divide {channels}")
    if node.weight is None:
        return channels
    expected = (*node["kernel"], channels // node["groups"])
    what = f"must have shape (out, {', '.join(map(str, expected))}), has {node.weight.shape}"
    _require(node.weight.shape[1:] == expected, f"{where}.weight", what)
    return len(node.weight)


def _numbered(keys: Mapping[str, Any], arrays: dict[str, Any]) -> dict[str, Any]:
    """Keys as in a file, where a constant is a number."""
    numbered = {}
    for name, value in keys.items():
        if isinstance(value, np.ndarray):
            # Values are looked at when they are rounded; float64 stands for float32 until then.
            real = value.dtype == np.float64
            arrays[str(len(arrays))] = np.zeros(value.shape, np.float32) if real else value
            value = len(arrays) - 1
        numbered[name] = value
    return numbered


def _kind(node: Node, kinds: dict[str, str]) -> str:
    """image, real, bits, or half for half an operation. An identity of signs makes them reals."""
    yields = node.rule.yields
    if node.steps or yields == "integer" or node.op == "identity":
        return "real"
    if yields != "input":
        return yields
    return "real" if kinds[node.input] == "image" else kinds[node.input]


def _require(condition: bool, where: str, message: str) -> None:
    if not condition:
        raise ModelFileError(f"{where}: {message}")
