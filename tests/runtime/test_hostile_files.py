"""Files that lie: each is refused with the right error by the NumPy reader and the native one.

No crash, no hang, no answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.bitformat.samples import (
    int16_filter,
    int16_sample,
    join,
    sample_bytes,
    split,
    with_constants,
    with_graph,
    with_header,
)
from tests.runtime.readers import reader

import signbit
from signbit.bitformat import encode
from signbit.errors import ModelFileError, ModelVersionError


def _truncated() -> Iterator[tuple[str, bytes]]:
    data = sample_bytes()
    header = 8 + int.from_bytes(data[:8], "little")
    for length in (0, 1, 7, 8, 9, header // 2, header - 1, header, header + 1, len(data) - 1):
        yield f"cut to {length} bytes", data[:length]


def _container() -> Iterator[tuple[str, bytes]]:
    data = sample_bytes()
    header, body = split(data)
    for claim in (2**60, 2**63, 2**64 - 1, 100_000_001, len(data)):
        yield f"header claims {claim} bytes", claim.to_bytes(8, "little") + data[8:]
    yield "not a model", b"\x89PNG\r\n\x1a\n" + bytes(200)
    yield "a zip", b"PK\x03\x04" + bytes(500)
    yield "empty header", join(b"", body)
    yield "header is a list", join(b"[]", body)
    yield "header is null", join(b"null", body)
    yield "header is no JSON", join(b"{'a': 1}", body)
    yield "header has a NUL", join(json.dumps(header).encode() + b"\0", body)
    yield "header is not UTF-8", join(json.dumps(header).encode() + b"\xff", body)
    yield "a name is not UTF-8", data.replace(b"fc.weight", b"fc.\xffeight", 1)
    yield "an overlong slash", data.replace(b"fc.weight", b"fc.\xc0\xafight", 1)
    yield "deep header", join(b"[" * 5_000_000, b"")
    yield "deep objects", join(b'{"a":' * 1_000_000, b"")
    yield "bytes at the end", data + b"\0"
    yield "no metadata", with_header(lambda h: h.pop("__metadata__"))
    yield "metadata is a list", with_header(lambda h: h.update(__metadata__=[]))
    yield "another key", with_header(lambda h: h["__metadata__"].update(other="x"))
    yield "no graph", with_header(lambda h: h.update(__metadata__={"format": "pt"}))
    yield "graph is an object", with_header(lambda h: h.update(__metadata__={"signbit": {}}))
    text = json.dumps(header)
    twice = text[:-1] + ', "fc.weight": ' + json.dumps(header["fc.weight"]) + "}"
    yield "a tensor twice", join(twice.encode(), body)
    meta = text[:-1] + ', "__metadata__": {}}'
    yield "metadata twice", join(meta.encode(), body)


def _entries() -> Iterator[tuple[str, bytes]]:
    def entry(**changes: Any) -> bytes:
        return with_header(lambda header: header["body.weight"].update(changes))

    begin, end = split(sample_bytes())[0]["body.weight"]["data_offsets"]
    yield "unknown dtype", entry(dtype="F64")
    yield "dtype is a number", entry(dtype=1)
    yield "wider dtype", entry(dtype="F32")
    yield "unknown key", entry(extra=1)
    yield "shape disagrees", entry(shape=[11, 1])
    yield "shape is flat", entry(shape=[10])
    yield "shape is negative", entry(shape=[-10, -1])
    yield "shape is no list", entry(shape=10)
    yield "shape of floats", entry(shape=[10.0, 1])
    yield "shape of booleans", entry(shape=[True, 10])
    yield "shape overflows", entry(shape=[2**62, 2**62, 2**62])
    yield "shape overflows to its size", entry(shape=[2**61 + 10, 1])
    yield "shape beyond 64 bits", entry(shape=[2**64 + 10, 1])
    yield "five dimensions", entry(shape=[10, 1, 1, 1, 1])
    yield "offsets reversed", entry(data_offsets=[end, begin])
    yield "offsets overlap", entry(data_offsets=[begin - 8, end - 8])
    yield "offsets leave a gap", entry(data_offsets=[begin + 8, end + 8])
    yield "offsets beyond the file", entry(data_offsets=[begin, 2**62])
    yield "offsets negative", entry(data_offsets=[-8, end])
    yield "offsets beyond 64 bits", entry(data_offsets=[begin, 2**64 + end])
    yield "one offset", entry(data_offsets=[begin])
    yield "three offsets", entry(data_offsets=[begin, end, end])
    yield "a tensor is null", with_header(lambda header: header.update({"body.weight": None}))
    yield "a tensor is gone", with_header(lambda header: header.pop("fc.weight"))


def _constants() -> Iterator[tuple[str, bytes]]:
    def constant(name: str, array: Any) -> bytes:
        return with_constants(lambda constants: constants.update({name: array}))

    def poke(name: str, value: Any) -> bytes:
        return with_constants(lambda constants: constants[name].flat.__setitem__(-1, value))

    yield "NaN scale", poke("body.scale", np.nan)
    yield "infinite weight", poke("stem.weight", np.inf)
    yield "NaN threshold", poke("stem.threshold", np.nan)
    yield "NaN pad value", poke("stem.pad", -np.inf)
    yield "flip of 2", poke("body.flip", 2)
    yield "nonzero tail bits", poke("body.weight", 1 << 36)
    yield "top tail bit", poke("fc.weight", 1 << 63)
    yield "pool threshold of 1", poke("pool.threshold", 1)
    yield "a spare tensor", constant("spare", np.zeros(3, np.float32))
    yield "an empty spare tensor", constant("spare", np.zeros(0, np.float32))
    yield "fewer scales", constant("body.scale", np.ones(9, np.float32))
    yield "scales of no channel", constant("body.scale", np.ones(0, np.float32))
    yield "integer scales", constant("body.scale", np.ones(10, np.int32))
    yield "more outputs", constant("body.weight", np.zeros((12, 1), np.uint64))
    yield "no outputs", constant("body.weight", np.zeros((0, 1), np.uint64))
    yield "more words", constant("body.weight", np.zeros((10, 2), np.uint64))
    yield "integer threshold after a real conv", constant("stem.threshold", np.zeros(8, np.int32))


STEM, BODY, POOL, MEAN, FC = range(5)


def _graphs() -> Iterator[tuple[str, bytes]]:
    def node(index: int, **changes: Any) -> bytes:
        return with_graph(lambda graph: graph["nodes"][index].update(changes))

    def tensor(index: int, **changes: Any) -> bytes:
        return with_graph(lambda graph: graph["tensors"][index].update(changes))

    def swap(graph: dict[str, Any]) -> None:
        graph["nodes"][STEM], graph["nodes"][BODY] = graph["nodes"][BODY], graph["nodes"][STEM]

    huge = (0, -1, 16_385, 2**31, 2**32 + 1, 2**63, 2**64 + 1, 1.0, True, None, "3", [3])
    yield "unknown op", node(BODY, op="softmax")
    yield "op of bytes", node(BODY, op=["binary_conv"])
    yield "a cycle", node(STEM, input="body")
    yield "a node reads itself", node(BODY, input="body.bits")
    yield "nodes out of order", with_graph(swap)
    yield "written twice", node(MEAN, real="body")
    yield "the image is written", node(MEAN, real="image")
    yield "a name twice", node(MEAN, name="body")
    yield "a tensor twice", tensor(1, name="image")
    yield "no node", with_graph(lambda graph: graph.update(nodes=[]))
    yield "no tensor", with_graph(lambda graph: graph.update(tensors=[]))
    yield "no output of a node", with_graph(lambda graph: graph["nodes"][MEAN].pop("real"))
    yield "unwritten", with_graph(lambda graph: graph["nodes"].pop())
    yield "output of bits", with_graph(lambda graph: graph.update(output="stem.bits"))
    yield "unknown output", with_graph(lambda graph: graph.update(output="softmax"))
    yield "three classes", with_graph(lambda graph: graph.update(classes=["a", "b", "c"]))
    yield "source of numbers", with_graph(lambda graph: graph["source"].update(epochs=3))
    yield "unknown key", with_graph(lambda graph: graph.update(comment="hello"))
    yield "half a surrogate pair", with_graph(lambda graph: graph["source"].update(a="\ud800"))
    yield "two grouped readers", node(FC, input="stem.bits", groups=4)
    yield "padding of a whole window", node(POOL, padding=[2, 1])
    yield "shortcut outside", node(BODY, shortcut={"tensor": "stem", "stride": [3, 3], "offset": 0})
    yield (
        "shortcut from bits",
        node(BODY, shortcut={"tensor": "stem.bits", "stride": [2, 2], "offset": 0}),
    )
    yield (
        "shortcut half broadcast",
        node(FC, shortcut={"tensor": "mean", "stride": [0, 1], "offset": 0}),
    )
    yield (
        "shortcut of negative offset",
        node(FC, shortcut={"tensor": "mean", "stride": [0, 0], "offset": -1}),
    )
    for value in huge:
        yield f"groups {value!r}", node(BODY, groups=value)
        for key in ("kernel", "stride", "padding", "dilation"):
            if not (key == "padding" and value == 0):
                yield f"{key} {value!r}", node(BODY, **{key: [1, value]})
        yield f"pool {value!r}", node(BODY, pool={"kernel": [2, value], "stride": [2, 2]})
        for key in ("height", "width", "channels"):
            yield f"{key} {value!r}", tensor(0, **{key: value})
    for sizes in ((16_384, 16_384, 65_536), (16_384, 16_384, 5)):
        height, width, channels = sizes
        yield f"a tensor of {sizes}", tensor(0, height=height, width=width, channels=channels)


def _int16() -> Iterator[tuple[str, bytes]]:
    """Int16 stems: their version, weights, padding and input."""

    def graph(change: Callable[[dict[str, Any]], object]) -> bytes:
        return with_graph(change, int16_sample)

    def poke(name: str, value: Any) -> bytes:
        return with_constants(
            lambda constants: constants[name].flat.__setitem__(-1, value), int16_sample
        )

    def retype(name: str, dtype: Any) -> bytes:
        return with_constants(
            lambda constants: constants.update({name: constants[name].astype(dtype)}), int16_sample
        )

    def second(graph: dict[str, Any]) -> None:
        """Another int16 stem, which reads the first one's reals."""
        node = {**graph["nodes"][0], "name": "second", "input": "stem", "real": "again"}
        for key in ("signs", "pad_value"):
            del node[key]
        graph["nodes"].append(node)
        graph["tensors"].append({**graph["tensors"][1], "name": "again"})

    def square(constants: dict[str, Any]) -> None:
        constants["stem.weight"] = np.zeros((6, 3, 3, 6), np.int16)

    yield "int16 weights in version 1", graph(lambda graph: graph.update(format=1))
    for value in (8192, -8192, 32767, -32768):
        yield f"an int16 weight of {value}", poke("stem.weight", value)
    yield "float pads of an int16 stem", retype("stem.pad", np.float32)
    yield "int16 pads", retype("stem.pad", np.int16)
    yield "int16 thresholds", retype("stem.threshold", np.int16)
    yield "int16 scales", retype("stem.scale", np.int16)
    yield "int16 binary weights", retype("conv.weight", np.int16)
    yield (
        "byte pads of float weights",
        with_constants(lambda constants: constants.update({"stem.pad": np.zeros(3, np.uint8)})),
    )
    yield "int16 weights of another input", graph(second)
    yield "int16 weights of another shape", with_constants(square, int16_sample)
    yield "int16 sums beyond int32", int16_filter(1029, 8191)
    yield "int16 sums of exactly 2³¹", int16_filter(1029, (2**31 - 1) // 255 - 1028 * 8191 + 1)


def _texts() -> Iterator[tuple[str, bytes]]:
    """Graphs broken as text."""
    header, body = split(sample_bytes())
    text: str = header["__metadata__"]["signbit"]

    def graph(changed: str) -> bytes:
        assert changed != text
        return join({**header, "__metadata__": {"signbit": changed}}, body)

    yield "an empty graph", graph("")
    yield "a graph that is a list", graph("[]")
    yield "half a graph", graph(text[: len(text) // 2])
    yield "two graphs", graph(text * 2)
    yield "a trailing comma", graph(text[:-1] + ",}")
    yield "a key twice", graph(text[:-1] + ',"output":"logits"}')
    yield "NaN", graph(text.replace('"groups":2', '"groups":NaN'))
    yield "a number with a leading zero", graph(text.replace('"groups":2', '"groups":02'))
    yield "an exponent", graph(text.replace('"groups":2', '"groups":2e0'))
    yield (
        "a number of a million digits",
        graph(text.replace('"groups":2', '"groups":' + "2" * 10**6)),
    )
    yield "a comment", graph("/* hello */" + text)
    yield "deep source", graph(text.replace('"source":{', '"source":{"a":' + "[" * 100_000))
    yield "an unterminated string", graph(text + '"' * 99_999)


HOSTILE = {
    name: data
    for cases in (_truncated, _container, _entries, _constants, _graphs, _int16, _texts)
    for name, data in cases()
}


@reader
def test_the_samples_themselves_are_read(read: Callable[[bytes], object]) -> None:
    read(sample_bytes())
    read(encode(*int16_sample()))
    last = (2**31 - 1) // 255 - 1028 * 8191
    for data in (int16_filter(1028, 8191), int16_filter(1029, last), int16_filter(1029, -last)):
        read(data)
    # A newer version than needed is as good.
    read(with_graph(lambda graph: graph.update(format=2)))


@reader
@pytest.mark.parametrize("name", HOSTILE)
def test_refused(read: Callable[[bytes], object], name: str) -> None:
    with pytest.raises(ModelFileError) as caught:
        read(HOSTILE[name])
    assert not isinstance(caught.value, ModelVersionError)
    assert len(str(caught.value)) > 10


@reader
def test_a_newer_version_is_refused_as_such(read: Callable[[bytes], object]) -> None:
    data = with_graph(lambda graph: graph.update(format=4, future=[]))
    with pytest.raises(ModelVersionError, match="upgrade signbit"):
        read(data)


@reader
@pytest.mark.parametrize(
    ("data", "field"),
    [
        (with_graph(lambda graph: graph["nodes"][BODY].pop("kernel")), "kernel"),
        (with_graph(lambda graph: graph["nodes"][BODY].update(groups="2")), "groups"),
        (with_graph(lambda graph: graph["tensors"][3].update(width=4)), "body"),
        (with_graph(lambda graph: graph.pop("classes")), "classes"),
        (with_header(lambda header: header["stem.pad"].update(shape=[4])), "stem.pad"),
    ],
)
def test_the_error_names_the_field(
    read: Callable[[bytes], object], data: bytes, field: str
) -> None:
    with pytest.raises(ModelFileError, match=field):
        read(data)


def test_a_file_on_disk_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.sbnn"
    for data in (sample_bytes()[:-1], b""):
        path.write_bytes(data)
        with pytest.raises(ModelFileError, match=r"model\.sbnn: "):
            signbit.load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"nowhere\.sbnn"):
        signbit.load(tmp_path / "nowhere.sbnn")
