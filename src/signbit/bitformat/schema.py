"""The file's schema: the graph's dataclasses, their JSON text, and what makes them valid.

`from_json` checks keys and types alone; `validate` checks values, order and shapes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

from signbit.bitformat.graph import (
    FORMAT_VERSION,
    MAX_ITEMS,
    OPS,
    RESIZE_RULES,
    Graph,
    InputSpec,
    Node,
    Op,
    Pair,
    Pool,
    Shortcut,
    SignOutput,
    SignSums,
    TensorSpec,
    output_size,
)
from signbit.bitformat.strict_json import Json, parse
from signbit.bitformat.validate import validate
from signbit.bitformat.validate_body import BODY_KEYS
from signbit.errors import ModelFileError, ModelVersionError

__all__ = [
    "FORMAT_VERSION",
    "OPS",
    "Graph",
    "InputSpec",
    "Node",
    "Op",
    "Pair",
    "Pool",
    "Shortcut",
    "SignOutput",
    "SignSums",
    "TensorSpec",
    "from_json",
    "output_size",
    "to_json",
    "validate",
]

_T = TypeVar("_T")

_GRAPH_KEYS = ("format", "input", "output", "classes", "source", "tensors", "nodes")
_INPUT_KEYS = ("tensor", "resize_shorter_side", "interpolation")
_INPUT_OPTIONAL = ("resize_rule",)
_TENSOR_KEYS = ("name", "kind", "height", "width", "channels")
_NODE_KEYS = ("name", "op", "input")
_EPILOGUE_KEYS = (
    *("scale", "shift", "shortcut", "activation", "slope", "positive_slope", "offset"),
    *("real", "signs"),
)


def to_json(graph: Graph) -> str:
    """The graph as compact JSON text; absent keys are left out."""
    value = {
        "format": graph.format,
        "input": _plain(graph.input, _INPUT_KEYS + _INPUT_OPTIONAL),
        "output": graph.output,
        "classes": list(graph.classes),
        "source": graph.source,
        "tensors": [_plain(tensor, _TENSOR_KEYS) for tensor in graph.tensors],
        "nodes": [_plain_node(node) for node in graph.nodes],
    }
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _plain(item: object, keys: tuple[str, ...]) -> dict[str, object]:
    return {key: getattr(item, key) for key in keys if getattr(item, key) is not None}


def _plain_node(node: Node) -> dict[str, object]:
    plain = _plain(node, _NODE_KEYS + BODY_KEYS + _EPILOGUE_KEYS)
    if node.pool is not None:
        plain["pool"] = _plain(node.pool, ("kernel", "stride"))
    if node.sums is not None:
        plain["sums"] = _plain(node.sums, ("tensor", "scale"))
    if node.shortcut is not None:
        repeat = ("repeat",) if node.shortcut.repeat else ()
        plain["shortcut"] = _plain(node.shortcut, ("tensor", "stride", "offset", *repeat))
    if node.signs:
        plain["signs"] = [_plain(output, ("tensor", "threshold", "flip")) for output in node.signs]
    else:
        del plain["signs"]
    return plain


def from_json(text: str) -> Graph:
    """Read the graph from JSON text.

    Raises ModelVersionError for a newer format, ModelFileError naming the field for a missing,
    unknown or mistyped key.
    """
    value = parse(text, "signbit")
    if not isinstance(value, dict):
        raise ModelFileError("signbit: must be a JSON object")
    # The version comes first: a newer format may well have keys this reader does not know.
    version = _integer(value.get("format"), "format")
    if version > FORMAT_VERSION:
        raise ModelVersionError(
            f"format: the file has version {version}, this engine reads up to {FORMAT_VERSION}; "
            "upgrade signbit"
        )
    if version < 1:
        raise ModelFileError(f"format: must be at least 1, is {version}")
    fields = _object(value, "signbit", _GRAPH_KEYS)
    return Graph(
        input=_input(fields["input"], "input"),
        output=_string(fields["output"], "output"),
        classes=_list(fields["classes"], "classes", _string),
        source=_source(fields["source"], "source"),
        tensors=_list(fields["tensors"], "tensors", _tensor),
        nodes=_list(fields["nodes"], "nodes", _node),
        format=version,
    )


def _object(
    value: Json, where: str, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise ModelFileError(f"{where}: must be an object")
    for key in required:
        if key not in value:
            raise ModelFileError(f"{where}: key {key!r} is missing")
    for key in value:
        if key not in required and key not in optional:
            raise ModelFileError(f"{where}: unknown key {key!r}")
    return value


def _string(value: Json, where: str) -> str:
    if not isinstance(value, str):
        raise ModelFileError(f"{where}: must be a string")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ModelFileError(f"{where}: has half of a surrogate pair")
    return value


def _integer(value: Json, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ModelFileError(f"{where}: must be an integer")
    return value


def _list(value: Json, where: str, read: Callable[[Json, str], _T]) -> tuple[_T, ...]:
    if not isinstance(value, list):
        raise ModelFileError(f"{where}: must be a list")
    if len(value) > MAX_ITEMS:
        raise ModelFileError(f"{where}: has {len(value)} items, at most {MAX_ITEMS} are allowed")
    return tuple(read(item, f"{where}[{index}]") for index, item in enumerate(value))


def _pair(value: Json, where: str) -> Pair:
    if not isinstance(value, list) or len(value) != 2:
        raise ModelFileError(f"{where}: must be a pair of integers [vertical, horizontal]")
    return _integer(value[0], f"{where}[0]"), _integer(value[1], f"{where}[1]")


def _source(value: Json, where: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ModelFileError(f"{where}: must be an object")
    return {_string(key, where): _string(item, f"{where}.{key}") for key, item in value.items()}


def _input(value: Json, where: str) -> InputSpec:
    fields = _object(value, where, _INPUT_KEYS, _INPUT_OPTIONAL)
    return InputSpec(
        tensor=_string(fields["tensor"], f"{where}.tensor"),
        resize_shorter_side=_integer(fields["resize_shorter_side"], f"{where}.resize_shorter_side"),
        interpolation=_string(fields["interpolation"], f"{where}.interpolation"),
        resize_rule=_string(fields.get("resize_rule", RESIZE_RULES[0]), f"{where}.resize_rule"),
    )


def _tensor(value: Json, where: str) -> TensorSpec:
    fields = _object(value, where, _TENSOR_KEYS)
    return TensorSpec(
        name=_string(fields["name"], f"{where}.name"),
        kind=_string(fields["kind"], f"{where}.kind"),
        height=_integer(fields["height"], f"{where}.height"),
        width=_integer(fields["width"], f"{where}.width"),
        channels=_integer(fields["channels"], f"{where}.channels"),
    )


def _pool(value: Json, where: str) -> Pool:
    fields = _object(value, where, ("kernel", "stride"))
    return Pool(
        kernel=_pair(fields["kernel"], f"{where}.kernel"),
        stride=_pair(fields["stride"], f"{where}.stride"),
    )


def _sums(value: Json, where: str) -> SignSums:
    fields = _object(value, where, ("tensor", "scale"))
    return SignSums(
        tensor=_string(fields["tensor"], f"{where}.tensor"),
        scale=_string(fields["scale"], f"{where}.scale"),
    )


def _shortcut(value: Json, where: str) -> Shortcut:
    fields = _object(value, where, ("tensor", "stride", "offset"), ("repeat",))
    if fields.get("repeat", True) is not True:
        raise ModelFileError(f"{where}.repeat: must be true where it is given")
    return Shortcut(
        tensor=_string(fields["tensor"], f"{where}.tensor"),
        stride=_pair(fields["stride"], f"{where}.stride"),
        offset=_integer(fields["offset"], f"{where}.offset"),
        repeat="repeat" in fields,
    )


def _sign_output(value: Json, where: str) -> SignOutput:
    fields = _object(value, where, ("tensor", "threshold", "flip"))
    return SignOutput(
        tensor=_string(fields["tensor"], f"{where}.tensor"),
        threshold=_string(fields["threshold"], f"{where}.threshold"),
        flip=_string(fields["flip"], f"{where}.flip"),
    )


def _sign_outputs(value: Json, where: str) -> tuple[SignOutput, ...]:
    return _list(value, where, _sign_output)


def _node(value: Json, where: str) -> Node:
    if not isinstance(value, dict):
        raise ModelFileError(f"{where}: must be an object")
    # The op comes first: it decides which keys a node has.
    name = _string(value.get("op"), f"{where}.op")
    if name not in OPS:
        raise ModelFileError(f"{where}.op: unknown op {name!r}; known are {', '.join(OPS)}")
    op = OPS[name]
    fields = _object(value, where, _NODE_KEYS + op.required, op.optional + _EPILOGUE_KEYS)

    def read(key: str, reader: Callable[[Json, str], _T]) -> _T | None:
        return reader(fields[key], f"{where}.{key}") if key in fields else None

    return Node(
        name=_string(fields["name"], f"{where}.name"),
        op=name,
        input=_string(fields["input"], f"{where}.input"),
        kernel=read("kernel", _pair),
        stride=read("stride", _pair),
        padding=read("padding", _pair),
        dilation=read("dilation", _pair),
        groups=read("groups", _integer),
        weight=read("weight", _string),
        pad_value=read("pad_value", _string),
        pool=read("pool", _pool),
        map=read("map", _string),
        sums=read("sums", _sums),
        scale=read("scale", _string),
        shift=read("shift", _string),
        shortcut=read("shortcut", _shortcut),
        activation=read("activation", _string),
        slope=read("slope", _string),
        positive_slope=read("positive_slope", _string),
        offset=read("offset", _string),
        real=read("real", _string),
        signs=read("signs", _sign_outputs) or (),
    )
