"""An ONNX file, read within bounds: nothing in it is executed, and no other file is opened.

onnx's own parser reads the bytes. What it gives is checked here and becomes plain values, so that
nothing behind this module meets the file again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.errors import CheckpointError, MissingExtraError
from signbit.printable import printable

__all__ = ["Array", "OnnxFile", "OnnxNode", "read_file"]

Array = npt.NDArray[Any]

_MOST_BYTES = 1 << 29
"""Of a file: networks of one bit are far smaller, and a parser needs several times as much."""
_MOST_NODES = 20_000
_MOST_NOTES = 1 << 20
"""Characters."""
_MOST_NAME = 100
"""Characters of a name that messages show."""

_ITEMS = {
    1: ("float_data", np.float32),
    2: ("int32_data", np.uint8),
    3: ("int32_data", np.int8),
    4: ("int32_data", np.uint16),
    5: ("int32_data", np.int16),
    6: ("int32_data", np.int32),
    7: ("int64_data", np.int64),
    9: ("int32_data", np.bool_),
    10: ("int32_data", np.float16),
    11: ("double_data", np.float64),
    12: ("uint64_data", np.uint32),
    13: ("uint64_data", np.uint64),
}
"""ONNX's number of a type → the field that holds its values, where raw_data does not; the type."""


@dataclass(frozen=True)
class OnnxNode:
    """One node, as the file has it."""

    name: str
    """Its own, or its operation and place; as a terminal may show it."""
    op: str
    domain: str
    inputs: tuple[str, ...]
    """Names of values; empty where an optional one is left out."""
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    """Numbers, bytes, lists of these, and tensors as arrays."""


@dataclass(frozen=True)
class OnnxFile:
    """What a file says, checked: every value has one name, and is yielded before it is read."""

    opset: int
    """Of the domain "", ONNX's own."""
    nodes: tuple[OnnxNode, ...]
    constants: dict[str, Array]
    input: str
    input_shape: tuple[int | None, ...]
    """None where the file leaves a size open."""
    input_is_bytes: bool
    """Whether the input is uint8, pixels as they are."""
    output: str
    notes: dict[str, Any]
    """What signbit wrote into it of its images, if it did: mean, std, class_names."""


def read_file(path: Path) -> OnnxFile:
    """Read a file. Raises CheckpointError, which says what is wrong with it and where."""
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError:
        raise MissingExtraError.of("onnx", "ONNX files") from None
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise CheckpointError(
                f"{path}: has {path.stat().st_size:,} bytes; ONNX files of up to {_MOST_BYTES:,} "
                "are read"
            )
        model = onnx.ModelProto.FromString(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from error
    except DecodeError as error:
        raise CheckpointError(
            f"{path}: not a readable ONNX file: it is cut short, nested too deeply, or another kind"
            " of file"
        ) from error
    try:
        return _checked(model)
    except _WrongError as error:
        raise CheckpointError(f"{path}: {error}") from None


class _WrongError(Exception):
    """What is wrong with a file."""


def _checked(model: Any) -> OnnxFile:
    graph = model.graph
    if not graph.node or not graph.output:
        raise _WrongError("not a readable ONNX file: it has no graph, so it is cut short or empty")
    if len(graph.node) > _MOST_NODES:
        raise _WrongError(f"has {len(graph.node):,} nodes; at most {_MOST_NODES:,} are read")
    if graph.sparse_initializer:
        raise _WrongError("has sparse tensors, which are not read; store them as plain ones")
    opsets = {each.domain: each.version for each in model.opset_import}
    constants: dict[str, Array] = {}
    for tensor in graph.initializer:
        if tensor.name in constants:
            raise _WrongError(f"two of its tensors have the name {shown(tensor.name)}")
        constants[tensor.name] = _array(tensor, shown(tensor.name))
    inputs = [each for each in graph.input if each.name not in constants]
    if len(inputs) != 1 or len(graph.output) != 1:
        raise _WrongError(
            f"has {len(inputs)} inputs and {len(graph.output)} outputs; a network of images has "
            "one of each"
        )
    nodes = tuple(_node(each, place) for place, each in enumerate(graph.node))
    _require_order(nodes, {*constants, inputs[0].name})
    output = graph.output[0].name
    if not any(output in node.outputs for node in nodes):
        raise _WrongError(f"no node yields its output {shown(output)}")
    kind = inputs[0].type.tensor_type
    if kind.elem_type not in (1, 2):
        raise _WrongError("its input is neither float32 nor uint8, which images are")
    return OnnxFile(
        opset=opsets.get("", opsets.get("ai.onnx", 1)),
        nodes=nodes,
        constants=constants,
        input=inputs[0].name,
        input_shape=tuple(
            each.dim_value
            if each.WhichOneof("value") == "dim_value" and each.dim_value > 0
            else None
            for each in kind.shape.dim
        ),
        input_is_bytes=kind.elem_type == 2,
        output=output,
        notes=_notes({each.key: each.value for each in model.metadata_props}.get("signbit", "")),
    )


def _notes(text: str) -> dict[str, Any]:
    """The entries that are what they should be; nothing where the text is not of signbit."""
    try:
        given = json.loads(text) if len(text) <= _MOST_NOTES else {}
    except (ValueError, RecursionError):
        return {}
    kinds = {"mean": (int, float), "std": (int, float), "class_names": (str,)}
    found = given if isinstance(given, dict) else {}
    return {
        key: found[key]
        for key, kind in kinds.items()
        if isinstance(found.get(key), list) and all(type(each) in kind for each in found[key])
    }


def _node(node: Any, place: int) -> OnnxNode:
    name = shown(node.name or f"{node.op_type}_{place}")
    return OnnxNode(
        name=name,
        op=shown(node.op_type),
        domain=shown(node.domain),
        inputs=tuple(node.input),
        outputs=tuple(node.output),
        attributes=dict(_attributes(node, name)),
    )


_KINDS = {1: "f", 2: "i", 3: "s", 4: "t", 6: "floats", 7: "ints", 8: "strings"}
"""ONNX's number of a kind of attribute → the field that holds it."""


def _attributes(node: Any, name: str) -> Iterator[tuple[str, Any]]:
    for each in node.attribute:
        field = _KINDS.get(each.type)
        if field is None:
            raise _WrongError(
                f"node {name}: its attribute {shown(each.name)} holds a graph, or several tensors; "
                "networks with branches or loops inside are not read"
            )
        value = getattr(each, field)
        if field == "t":
            value = _array(value, f"{name}.{shown(each.name)}")
        yield each.name, list(value) if field.endswith("s") and field != "s" else value


def _require_order(nodes: tuple[OnnxNode, ...], known: set[str]) -> None:
    """Each value has one name, and what yields it stands before who reads it."""
    later = {name for node in nodes for name in node.outputs}
    for node in nodes:
        for name in filter(None, node.inputs):
            if name not in known:
                reason = "no node yields"
                if name in later:
                    reason = "only a later node yields: they form a ring, or are not in order"
                raise _WrongError(f"node {node.name} reads {shown(name)}, which {reason}")
        for name in filter(None, node.outputs):
            if name in known:
                raise _WrongError(
                    f"node {node.name} yields {shown(name)}, a name that another value has"
                )
            known.add(name)


def _array(tensor: Any, name: str) -> Array:
    """A tensor's values, once their number is right; before that no memory is taken."""
    if tensor.data_location == 1 or tensor.external_data:
        raise _WrongError(
            f"its tensor {name} is in another file, and no other file is opened; save it as one: "
            "onnx.save(onnx.load(FILE), NEW)"
        )
    if tensor.data_type not in _ITEMS:
        raise _WrongError(f"its tensor {name} is of a type that is not read ({tensor.data_type})")
    field, kind = _ITEMS[tensor.data_type]
    dims, size = list(tensor.dims), np.dtype(kind).itemsize
    values = getattr(tensor, field)
    held = len(tensor.raw_data) / size if tensor.HasField("raw_data") else len(values)
    if min(dims, default=0) < 0 or math.prod(dims) != held or len(dims) > 8:
        raise _WrongError(f"its tensor {name} says to be {dims[:8]}, but holds {held:g} values")
    if tensor.HasField("raw_data"):
        return (
            np.frombuffer(tensor.raw_data, np.dtype(kind).newbyteorder("<"))
            .astype(kind)
            .reshape(dims)
        )
    if kind is np.float16:
        return np.array(values, np.uint16).view(np.float16).reshape(dims)
    return np.array(values).astype(kind).reshape(dims)


def shown(name: str) -> str:
    """A name as a message may have it: in one line, and not too long."""
    name = printable(name)
    return name if len(name) <= _MOST_NAME else f"{name[:_MOST_NAME]}…"
