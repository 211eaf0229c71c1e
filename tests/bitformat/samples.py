"""A small file with a bit of everything, and helpers that break it in one place."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from signbit.bitformat import encode, pack_bits
from signbit.bitformat.graph import (
    Graph,
    InputSpec,
    Node,
    Pool,
    Shortcut,
    SignOutput,
    TensorSpec,
)

Array = npt.NDArray[Any]
Constants = dict[str, Array]

CONV = {"kernel": (3, 3), "stride": (1, 1), "padding": (1, 1), "dilation": (1, 1)}


def sample() -> tuple[Graph, Constants]:
    """6×6 RGB → real stem → binary conv with pool, shortcut and prelu → pools → 4 classes."""
    tensors = (
        TensorSpec("image", "image", 6, 6, 3),
        TensorSpec("stem", "real", 6, 6, 8),
        TensorSpec("stem.bits", "bits", 6, 6, 8),
        TensorSpec("body", "real", 3, 3, 10),
        TensorSpec("body.bits", "bits", 3, 3, 10),
        TensorSpec("pooled.bits", "bits", 2, 2, 10),
        TensorSpec("mean", "real", 1, 1, 10),
        TensorSpec("logits", "real", 1, 1, 4),
    )
    nodes = (
        Node(
            "stem",
            "real_conv",
            "image",
            **CONV,
            groups=1,
            weight="stem.weight",
            pad_value="stem.pad",
            activation="hardtanh",
            real="stem",
            signs=(SignOutput("stem.bits", "stem.threshold", "stem.flip"),),
        ),
        Node(
            "body",
            "binary_conv",
            "stem.bits",
            **CONV,
            groups=2,
            weight="body.weight",
            pool=Pool((2, 2), (2, 2)),
            scale="body.scale",
            shift="body.shift",
            shortcut=Shortcut("stem", (2, 2), 1),
            activation="prelu",
            slope="body.slope",
            real="body",
            signs=(SignOutput("body.bits", "body.threshold", "body.flip"),),
        ),
        Node(
            "pool",
            "max_pool",
            "body.bits",
            kernel=(2, 2),
            stride=(2, 2),
            padding=(1, 1),
            signs=(SignOutput("pooled.bits", "pool.threshold", "pool.flip"),),
        ),
        Node("mean", "global_mean", "body", real="mean"),
        Node(
            "fc",
            "binary_conv",
            "pooled.bits",
            kernel=(2, 2),
            stride=(1, 1),
            padding=(0, 0),
            dilation=(1, 1),
            groups=1,
            weight="fc.weight",
            shortcut=Shortcut("mean", (0, 0), 0),
            real="logits",
        ),
    )
    rng = np.random.default_rng(0)

    def floats(*shape: int) -> Array:
        return rng.standard_normal(shape).astype(np.float32)

    constants = {
        "stem.weight": floats(8, 3, 3, 3),
        "stem.pad": floats(3),
        "stem.threshold": floats(8),
        "stem.flip": np.uint8([0, 1] * 4),
        "body.weight": pack_bits(rng.random((10, 36)) < 0.5),
        "body.scale": floats(10),
        "body.shift": floats(10),
        "body.slope": floats(10),
        "body.threshold": np.arange(-5, 5, dtype=np.int32),
        "body.flip": np.uint8([1, 0] * 5),
        "pool.threshold": np.zeros(10, np.float32),
        "pool.flip": np.zeros(10, np.uint8),
        "fc.weight": pack_bits(rng.random((4, 40)) < 0.5),
    }
    graph = Graph(
        InputSpec("image", 7, "nearest"),
        "logits",
        tensors,
        nodes,
        ("cat", "dog", "émeu", "Ω"),
        {"recipe": 'a "quoted" one\n', "méthode": "bnn"},
    )
    return graph, constants


def sample_bytes() -> bytes:
    return encode(*sample())


def split(data: bytes) -> tuple[dict[str, Any], bytes]:
    """A file's header object and its tensor bytes."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def join(header: dict[str, Any] | bytes, body: bytes) -> bytes:
    """The inverse of `split`; a header may also be given as bytes."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def with_graph(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The sample with its graph's JSON object changed in place, not validated."""
    header, body = split(sample_bytes())
    graph = json.loads(header["__metadata__"]["signbit"])
    change(graph)
    header["__metadata__"]["signbit"] = json.dumps(graph)
    return join(header, body)


def with_header(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The sample with its header changed in place, not validated."""
    header, body = split(sample_bytes())
    change(header)
    return join(header, body)


def with_constants(change: Callable[[Constants], object]) -> bytes:
    """The sample with tensors of the file changed, not validated."""
    graph, constants = sample()
    header, _ = split(encode(graph, constants))
    change(constants)
    kinds = {"uint64": "U64", "float32": "F32", "int32": "I32", "uint8": "U8", "float64": "F64"}
    changed: dict[str, Any] = {"__metadata__": header["__metadata__"]}
    parts: list[bytes] = []
    end = 0
    for name, array in sorted(constants.items(), key=lambda item: -item[1].dtype.itemsize):
        begin, end = end, end + array.nbytes
        changed[name] = {
            "dtype": kinds[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [begin, end],
        }
        parts.append(array.tobytes())
    return join(changed, b"".join(parts))
