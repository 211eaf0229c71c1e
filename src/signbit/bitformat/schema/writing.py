"""Writes the graph's JSON text, with defaults left out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from signbit.bitformat.graph import (
    Graph,
    GraphInput,
    GraphOutput,
    Node,
    Output,
    Resize,
)
from signbit.bitformat.table import Operation, StepRule

__all__ = ["plain_resize", "to_json"]


def to_json(graph: Graph) -> str:
    """The graph as compact JSON text; keys at their defaults are left out."""
    value: dict[str, object] = {"format": graph.format}
    if graph.any_size:
        value["any_size"] = True
    value["inputs"] = [_plain_input(given) for given in graph.inputs]
    value["outputs"] = [_plain_output(wanted) for wanted in graph.outputs]
    if graph.source:
        value["source"] = dict(graph.source)
    value["nodes"] = [_plain_node(node) for node in graph.nodes]
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _plain_input(given: GraphInput) -> dict[str, object]:
    plain: dict[str, object] = {
        "name": given.name,
        "kind": given.kind,
        "shape": list(given.shape),
    }
    if given.resize is not None:
        plain["resize"] = plain_resize(given.resize)
    return plain | _differing({"table": given.table}, {"table": None})


def plain_resize(resize: Resize) -> dict[str, Any]:
    """The rule for photographs as JSON values, which `read_resize` reads."""
    plain = _differing(vars(resize), vars(Resize()))
    return {key: list(value) if isinstance(value, tuple) else value for key, value in plain.items()}


def _plain_output(wanted: GraphOutput) -> dict[str, object]:
    plain: dict[str, object] = {"name": wanted.name, "tensor": wanted.tensor}
    others = {"classes": list(wanted.classes), "confidence": wanted.confidence}
    return plain | _differing(others, {"classes": [], "confidence": None})


def _plain_node(node: Node) -> dict[str, object]:
    plain: dict[str, object] = {"name": node.name, "op": node.op, "inputs": list(node.inputs)}
    plain |= _plain_keys(node.keys, node.rule)
    if node.steps:
        plain["steps"] = [
            {"op": step.op} | _plain_keys(step.keys, step.rule) for step in node.steps
        ]
    if node.outputs != (Output(),):
        plain["outputs"] = [
            _differing(vars(output), vars(Output()), always=("kind",)) for output in node.outputs
        ]
    return plain


def _plain_keys(given: Mapping[str, Any], rule: Operation | StepRule) -> dict[str, object]:
    """The given keys in the table's order, without those at their defaults."""
    values = {key.name: given[key.name] for key in rule.keys if key.name in given}
    return _differing(values, {key.name: key.default for key in rule.keys if not key.required})


def _differing(
    values: Mapping[str, Any], defaults: Mapping[str, Any], always: Sequence[str] = ()
) -> dict[str, object]:
    return {
        name: value
        for name, value in values.items()
        if name in always or name not in defaults or value != defaults[name]
    }
