"""Files taken apart, changed and put together again, valid or not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.bitformat.builder import Constants, Sample

from signbit.bitformat.graph import Graph
from signbit.bitformat.schema import to_json

DTYPES = {"uint64": "U64", "float32": "F32", "int32": "I32", "int16": "I16", "uint8": "U8"}


def split(data: bytes) -> tuple[dict[str, Any], bytes]:
    """A file's header object and its tensor bytes."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def join(header: dict[str, Any] | bytes, body: bytes) -> bytes:
    """The inverse of `split`; a header may also be given as bytes."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def text_file(text: str, constants: Constants) -> bytes:
    """A file of this graph's text and these constants, not validated."""
    header: dict[str, Any] = {"__metadata__": {"signbit": text}}
    parts: list[bytes] = []
    end = 0
    for name, array in constants.items():
        begin, end = end, end + array.nbytes
        header[name] = {
            "dtype": DTYPES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [begin, end],
        }
        parts.append(array.tobytes())
    return join(header, b"".join(parts))


def raw_file(graph: Graph, constants: Constants) -> bytes:
    """As `encode`, but not validated."""
    return text_file(to_json(graph), constants)


def with_graph(change: Callable[[dict[str, Any]], object], make: Callable[[], Sample]) -> bytes:
    """A sample with its graph's JSON object changed in place, not validated."""
    graph, constants = make()
    value = json.loads(to_json(graph))
    change(value)
    return text_file(json.dumps(value), constants)


def with_header(change: Callable[[dict[str, Any]], object], make: Callable[[], Sample]) -> bytes:
    """A sample with its header changed in place, not validated."""
    header, body = split(raw_file(*make()))
    change(header)
    return join(header, body)


def with_constants(change: Callable[[Constants], object], make: Callable[[], Sample]) -> bytes:
    """A sample with tensors of the file changed, not validated."""
    graph, constants = make()
    change(constants)
    return raw_file(graph, constants)
