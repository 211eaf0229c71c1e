"""Files that lie as containers or as text: both readers refuse each, and name the field.

No crash, no hang, no answer. What a graph may lie about is in test_hostile_graphs.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.bitformat.files import join, raw_file, split, with_graph, with_header
from tests.bitformat.samples import SAMPLES, Make, sample, sample_bytes
from tests.runtime.readers import check_alike, reader, verdict

import signbit
from signbit.bitformat import encode
from signbit.bitformat.container import MAX_HEADER_BYTES
from signbit.errors import ModelFileError, ModelVersionError

Case = tuple[str, bytes, str]
"""What is wrong, the file, the field that the message names."""


def _truncated() -> Iterator[Case]:
    data = sample_bytes()
    header = 8 + int.from_bytes(data[:8], "little")
    for length in (0, 1, 7, 8, 9, header // 2, header - 1):
        yield f"cut to {length} bytes", data[:length], "header"
    for length in (header, header + 1, len(data) - 1):
        first_cut = next(
            name
            for name, entry in split(data)[0].items()
            if name != "__metadata__" and header + entry["data_offsets"][1] > length
        )
        yield f"cut to {length} bytes", data[:length], f"{first_cut}.data_offsets"


def _container() -> Iterator[Case]:
    data = sample_bytes()
    header, body = split(data)
    text = json.dumps(header)
    for claim in (2**60, 2**63, 2**64 - 1, MAX_HEADER_BYTES + 1, len(data)):
        changed = claim.to_bytes(8, "little") + data[8:]
        yield f"header claims {claim} bytes", changed, "header"
    for name, bad in {
        "empty header": b"",
        "header is a list": b"[]",
        "header is null": b"null",
        "header is no JSON": b"{'a': 1}",
        "header has a NUL": text.encode() + b"\0",
        "header is not UTF-8": text.encode() + b"\xff",
        "a name is not UTF-8": text.encode().replace(b'"10"', b'"1\xff0"', 1),
        "an overlong slash": text.encode().replace(b'"10"', b'"1\xc0\xaf0"', 1),
        "a name of half a pair": text.encode().replace(b'"10"', b'"1\\udc000"', 1),
        "deep header": b"[" * 5_000_000,
        "deep objects": b'{"a":' * 1_000_000,
        "a tensor twice": (text[:-1] + ', "10": ' + json.dumps(header["10"]) + "}").encode(),
        "metadata twice": (text[:-1] + ', "__metadata__": {}}').encode(),
    }.items():
        yield name, join(bad, body), "header"
    yield "not a model", b"\x89PNG\r\n\x1a\n" + bytes(200), "header"
    yield "a zip", b"PK\x03\x04" + bytes(500), "header"
    yield "bytes at the end", data + b"\0", "header"
    for name, change in {
        "no metadata": lambda h: h.pop("__metadata__"),
        "metadata is a list": lambda h: h.update(__metadata__=[]),
        "another key": lambda h: h["__metadata__"].update(other="x"),
        "no graph": lambda h: h.update(__metadata__={"format": "pt"}),
    }.items():
        yield name, with_header(change, sample), "__metadata__"
    changed = with_header(lambda h: h.update(__metadata__={"signbit": {}}), sample)
    yield "graph is an object", changed, "__metadata__.signbit"


def _entries() -> Iterator[Case]:
    header, _ = split(raw_file(*sample()))
    name = "7"  # of the middle
    begin, end = header[name]["data_offsets"]

    def entry(label: str, field: str = "", **changes: Any) -> Case:
        data = with_header(lambda header: header[name].update(changes), sample)
        return label, data, name + field

    yield entry("unknown dtype", ".dtype", dtype="F64")
    yield entry("dtype is a number", ".dtype", dtype=1)
    yield entry("narrower dtype", ".shape", dtype="F32")
    yield entry("unknown key", extra=1)
    yield entry("shape disagrees", ".shape", shape=[11, 1])
    yield entry("shape is negative", ".shape", shape=[-10, -1])
    yield entry("shape is no list", ".shape", shape=10)
    yield entry("shape of floats", ".shape", shape=[10.0, 1])
    yield entry("shape of booleans", ".shape", shape=[True, 10])
    yield entry("a size of 0", ".shape", shape=[10, 0])
    yield entry("sizes beyond 64 bits, and 0", ".shape", shape=[2**62, 2**62, 0])
    yield entry("shape overflows", ".shape", shape=[2**62, 2**62, 2**62])
    yield entry("shape overflows to its size", ".shape", shape=[2**61 + 10, 1])
    yield entry("shape beyond 64 bits", ".shape", shape=[2**64 + 10, 1])
    yield entry("five dimensions", ".shape", shape=[10, 1, 1, 1, 1])
    for label, offsets in {
        "offsets reversed": [end, begin],
        "offsets overlap": [begin - 8, end - 8],
        "offsets leave a gap": [begin + 8, end + 8],
        "offsets beyond the file": [begin, 2**62],
        "offsets negative": [-8, end],
        "offsets beyond 64 bits": [begin, 2**64 + end],
        "one offset": [begin],
        "three offsets": [begin, end, end],
        "offsets are no list": "0-8",
    }.items():
        yield entry(label, ".data_offsets", data_offsets=offsets)
    five = {"shape": [10, 1, 1, 1, 1], "data_offsets": [-1, 0]}
    yield entry("two faults of which offsets are read first", ".data_offsets", **five)
    yield "a tensor is null", with_header(lambda header: header.update({name: None}), sample), name
    gone = with_header(lambda header: header.pop(name), sample)
    yield "a tensor is gone", gone, "8.data_offsets"


def _texts() -> Iterator[Case]:
    """Graphs broken as text."""
    header, body = split(sample_bytes())
    text: str = header["__metadata__"]["signbit"]

    def graph(changed: str) -> bytes:
        assert changed != text
        return join({**header, "__metadata__": {"signbit": changed}}, body)

    for name, changed in {
        "an empty graph": "",
        "a graph that is a list": "[]",
        "half a graph": text[: len(text) // 2],
        "two graphs": text * 2,
        "a trailing comma": text[:-1] + ",}",
        "a key twice": text[:-1] + ',"outputs":[]}',
        "NaN": text.replace('"groups":2', '"groups":NaN'),
        "a number with a leading zero": text.replace('"groups":2', '"groups":02'),
        "a comment": "/* hello */" + text,
        "deep source": text.replace('"source":{', '"source":{"a":' + "[" * 100_000),
        "an unterminated string": text + '"' * 99_999,
        "half a surrogate pair": text.replace('"cat"', '"c\\ud800t"'),
        "the other half": text.replace('"cat"', '"c\\udfff\\ud800t"'),
    }.items():
        yield name, graph(changed), "signbit"
    for number in ("2e0", "2.0", "1e999", "2" * 10**6, "-" + "2" * 10**6):
        data = graph(text.replace('"groups":2', f'"groups":{number}'))
        yield f"groups of {number[:9]}", data, "nodes[1].groups"


HOSTILE = {
    name: (data, field)
    for cases in (_truncated, _container, _entries, _texts)
    for name, data, field in cases()
}


@reader
@pytest.mark.parametrize("make", SAMPLES.values(), ids=SAMPLES)
def test_the_samples_themselves_are_read(read: Callable[[bytes], object], make: Make) -> None:
    read(encode(*make()))
    read(raw_file(*make()))


@reader
@pytest.mark.parametrize("name", HOSTILE)
def test_refused(read: Callable[[bytes], object], name: str) -> None:
    data, field = HOSTILE[name]
    assert verdict(read, data) == ("ModelFileError", field)


@reader
def test_a_whole_pair_of_surrogates_is_a_character(read: Callable[[bytes], object]) -> None:
    header, body = split(sample_bytes())
    text = header["__metadata__"]["signbit"].replace('"cat"', '"\\ud83d\\ude00\\\\ud800"')
    read(join({**header, "__metadata__": {"signbit": text}}, body))


@reader
@pytest.mark.parametrize("version", [2, 2**64])
def test_a_newer_version_is_refused_as_such(read: Callable[[bytes], object], version: int) -> None:
    data = with_graph(lambda graph: graph.update(format=version, future=[]), sample)
    with pytest.raises(ModelVersionError, match=r"^format: .*upgrade signbit"):
        read(data)


@pytest.mark.parametrize("version", [0, -1, 1.0, "1", True, None, [1]])
def test_no_version_is_not_a_newer_one(version: Any) -> None:
    assert not check_alike(with_graph(lambda graph: graph.update(format=version), sample))


def test_too_many_tensors_are_refused() -> None:
    header = split(sample_bytes())[0]
    entries = {
        str(number): {"dtype": "U8", "shape": [1], "data_offsets": [number, number + 1]}
        for number in range(65_537)
    }
    data = join({"__metadata__": header["__metadata__"], **entries}, bytes(65_537))
    assert not check_alike(data)


def test_a_file_on_disk_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.sbnn"
    for data in (sample_bytes()[:-1], b""):
        path.write_bytes(data)
        with pytest.raises(ModelFileError, match=r"model\.sbnn: "):
            signbit.load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"nowhere\.sbnn"):
        signbit.load(tmp_path / "nowhere.sbnn")
