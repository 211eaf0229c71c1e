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
Sample = tuple[Graph, Constants]

CONV = {"kernel": (3, 3), "stride": (1, 1), "padding": (1, 1), "dilation": (1, 1)}


def sample() -> Sample:
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


def int16_sample() -> Sample:
    """5×4 RGB → int16 stem, with scores of its reals' means and signs of its integers."""
    tensors = (
        TensorSpec("image", "image", 5, 4, 3),
        TensorSpec("stem", "real", 5, 4, 6),
        TensorSpec("stem.bits", "bits", 5, 4, 6),
        TensorSpec("logits", "real", 1, 1, 6),
        TensorSpec("conv", "real", 5, 4, 2),
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
            scale="stem.scale",
            shift="stem.shift",
            real="stem",
            signs=(SignOutput("stem.bits", "stem.threshold", "stem.flip"),),
        ),
        Node("mean", "global_mean", "stem", real="logits"),
        Node(
            "conv", "binary_conv", "stem.bits", **CONV, groups=1, weight="conv.weight", real="conv"
        ),
    )
    rng = np.random.default_rng(1)
    constants = {
        "stem.weight": rng.integers(-8191, 8192, (6, 3, 3, 3)).astype(np.int16),
        "stem.pad": np.uint8([0, 124, 255]),
        "stem.scale": np.float32([1e-5, -1e-5, 1e-6, 1, -1, 0.5]),
        "stem.shift": rng.standard_normal(6).astype(np.float32),
        "stem.threshold": rng.integers(-(10**6), 10**6, 6).astype(np.int32),
        "stem.flip": np.uint8([0, 1] * 3),
        "conv.weight": pack_bits(rng.random((2, 54)) < 0.5),
    }
    classes = ("owl", "jay", "wren", "robin", "magpie", "nuthatch")
    source = {"made": "by hand, beside the float sample", "for": "the tests of int16 stems"}
    graph = Graph(InputSpec("image", 5), "logits", tensors, nodes, classes, source, format=2)
    return graph, constants


def int16_filter(taps: int, last: int) -> bytes:
    """A file, not validated, of one int16 filter: ±8191 for so many taps, the last of this size."""

    def row(graph: dict[str, Any]) -> None:
        stem, _, _ = graph["nodes"]
        stem |= {"kernel": [1, taps], "padding": [0, 0]}
        for key in ("signs", "pad_value", "scale", "shift"):
            del stem[key]
        graph["nodes"].pop()
        graph["classes"] = []
        graph["tensors"] = [
            {"name": name, "kind": kind, "height": 1, "width": width, "channels": 1}
            for name, kind, width in (
                ("image", "image", taps),
                ("stem", "real", 1),
                ("logits", "real", 1),
            )
        ]

    weight = np.where(np.arange(taps) % 2, -8191, 8191)
    weight[-1] = last
    array = weight.astype(np.int16).reshape(1, 1, taps, 1)
    header, _ = split(with_graph(row, int16_sample))
    entry = {"dtype": "I16", "shape": array.shape, "data_offsets": [0, array.nbytes]}
    return join({"__metadata__": header["__metadata__"], "stem.weight": entry}, array.tobytes())


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


def with_graph(
    change: Callable[[dict[str, Any]], object], make: Callable[[], Sample] = sample
) -> bytes:
    """The sample with its graph's JSON object changed in place, not validated."""
    header, body = split(encode(*make()))
    graph = json.loads(header["__metadata__"]["signbit"])
    change(graph)
    header["__metadata__"]["signbit"] = json.dumps(graph)
    return join(header, body)


def with_header(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The sample with its header changed in place, not validated."""
    header, body = split(sample_bytes())
    change(header)
    return join(header, body)


def with_constants(
    change: Callable[[Constants], object], make: Callable[[], Sample] = sample
) -> bytes:
    """The sample with tensors of the file changed, not validated."""
    graph, constants = make()
    header, _ = split(encode(graph, constants))
    change(constants)
    kinds = {"uint64": "U64", "float32": "F32", "int32": "I32", "int16": "I16", "uint8": "U8"}
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
