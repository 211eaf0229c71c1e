"""The `.sbnn` container: a safetensors file with the graph in its metadata key `signbit`.

Reading checks every size before it is used and copies nothing but unaligned tensors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import prod

import numpy as np

from signbit.bitformat.checks import Array
from signbit.bitformat.graph import Graph
from signbit.bitformat.schema import from_json, to_json
from signbit.bitformat.strict_json import Json, parse
from signbit.bitformat.table import LIMITS
from signbit.bitformat.validate import validate
from signbit.errors import ModelFileError

__all__ = ["MAX_HEADER_BYTES", "decode", "encode"]

MAX_HEADER_BYTES = 100_000_000

_METADATA = "__metadata__"
_KEY = "signbit"
_LENGTH_BYTES = 8
_DTYPES: dict[str, np.dtype[np.generic]] = {
    "U64": np.dtype("<u8"),
    "F32": np.dtype("<f4"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "U8": np.dtype("u1"),
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


def encode(graph: Graph, constants: Mapping[str, Array]) -> bytes:
    """The bytes of the file; the same graph and constants always give the same bytes.

    Raises ModelFileError naming the field where graph or constants break docs/format.md.
    """
    text = to_json(graph)
    from_json(text)  # checks what validate takes for granted: types and ranges
    validate(graph, constants)
    header: dict[str, object] = {_METADATA: {_KEY: text}}
    # Wide items first, so that every tensor is aligned to its own item.
    arrays = sorted(constants.items(), key=lambda item: -item[1].dtype.itemsize)
    end = 0
    for name, array in arrays:
        begin, end = end, end + array.nbytes
        header[name] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [begin, end],
        }
    head = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    head += b" " * (-len(head) % _LENGTH_BYTES)
    if len(head) > MAX_HEADER_BYTES:
        raise ModelFileError(f"header: {len(head)} bytes, at most {MAX_HEADER_BYTES} are allowed")
    parts = [len(head).to_bytes(_LENGTH_BYTES, "little"), head]
    parts += [array.astype(array.dtype.newbyteorder("<")).tobytes() for _, array in arrays]
    return b"".join(parts)


def decode(data: bytes) -> tuple[Graph, dict[str, Array]]:
    """Read a file's bytes into its graph and constants (name → read-only array).

    Raises ModelVersionError for a newer format, ModelFileError naming the field for bytes that
    are truncated, malformed or contradict themselves.
    """
    header, body = _split(data)
    metadata = header.pop(_METADATA, None)
    if not isinstance(metadata, dict) or list(metadata) != [_KEY]:
        raise ModelFileError(f"{_METADATA}: must have the one key {_KEY!r}; not an .sbnn file")
    text = metadata[_KEY]
    if not isinstance(text, str):
        raise ModelFileError(f"{_METADATA}.{_KEY}: must be a string")
    constants = _constants(header, body)
    graph = from_json(text)
    validate(graph, constants)
    return graph, constants


def _split(data: bytes) -> tuple[dict[str, Json], memoryview]:
    """Header object and tensor bytes."""
    if len(data) < _LENGTH_BYTES:
        raise ModelFileError(f"header: the file has {len(data)} bytes, not even a header length")
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    if length > MAX_HEADER_BYTES:
        raise ModelFileError(
            f"header: claims {length} bytes, at most {MAX_HEADER_BYTES} are allowed; "
            "not an .sbnn file"
        )
    if length > len(data) - _LENGTH_BYTES:
        raise ModelFileError(
            f"header: claims {length} bytes, the file has {len(data) - _LENGTH_BYTES} after the "
            "length; truncated"
        )
    try:
        text = data[_LENGTH_BYTES : _LENGTH_BYTES + length].decode()
    except UnicodeDecodeError as error:
        raise ModelFileError(f"header: not UTF-8: {error}") from error
    header = parse(text, "header")
    if not isinstance(header, dict):
        raise ModelFileError("header: must be a JSON object")
    return header, memoryview(data)[_LENGTH_BYTES + length :]


def _constants(header: dict[str, Json], body: memoryview) -> dict[str, Array]:
    if len(header) > LIMITS["items"]:
        raise ModelFileError(
            f"header: {len(header)} tensors, at most {LIMITS['items']} are allowed"
        )
    constants: dict[str, Array] = {}
    position = 0
    for name, entry in header.items():
        dtype, shape, end = _entry(name, entry, position, len(body))
        array = np.frombuffer(body[position:end], np.uint8).view(dtype).reshape(shape)
        constants[name] = np.require(array, dtype.newbyteorder("="), "A")
        position = end
    if position != len(body):
        raise ModelFileError(
            f"header: tensors end at byte {position}, the file has {len(body)} bytes of them"
        )
    return constants


def _entry(
    name: str, entry: Json, position: int, limit: int
) -> tuple[np.dtype[np.generic], tuple[int, ...], int]:
    """Check one tensor of the header, which must begin at `position`; return dtype, shape, end."""
    if not isinstance(entry, dict) or sorted(entry) != ["data_offsets", "dtype", "shape"]:
        raise ModelFileError(f"{name}: must have dtype, shape and data_offsets, and no other key")
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(kind, str) or kind not in _DTYPES:
        raise ModelFileError(f"{name}.dtype: must be one of {', '.join(_DTYPES)}")
    sizes = _sizes(shape, f"{name}.shape")
    bounds = _sizes(offsets, f"{name}.data_offsets")
    if len(sizes) > 4:
        raise ModelFileError(f"{name}.shape: has {len(sizes)} dimensions, at most 4 are allowed")
    if len(bounds) != 2 or bounds[0] != position or not position <= bounds[1] <= limit:
        raise ModelFileError(
            f"{name}.data_offsets: must be [{position}, end] with an end up to {limit}, "
            "so that tensors follow each other without overlap or gap"
        )
    if 0 in sizes:
        raise ModelFileError(f"{name}.shape: has a size of 0")
    expected = prod(sizes) * _DTYPES[kind].itemsize
    if bounds[1] - bounds[0] != expected:
        raise ModelFileError(
            f"{name}.shape: {kind} of shape {list(sizes)} has {expected} bytes, "
            f"data_offsets give it {bounds[1] - bounds[0]}"
        )
    return _DTYPES[kind], sizes, bounds[1]


def _sizes(value: Json, where: str) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise ModelFileError(f"{where}: must be a list")
    sizes: list[int] = []
    for item in value:
        if not isinstance(item, int) or isinstance(item, bool) or item < 0:
            raise ModelFileError(f"{where}: must hold non-negative integers")
        sizes.append(item)
    return tuple(sizes)
