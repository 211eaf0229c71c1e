"""The container is a safetensors file, reproducible, and written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from tests.bitformat.builder import Constants
from tests.bitformat.files import raw_file, split
from tests.bitformat.samples import SAMPLES, Make, sample, sample_bytes

from signbit.bitformat import decode, encode, write_file
from signbit.bitformat.schema import from_json
from signbit.errors import ModelFileError


def assert_same_constants(actual: Constants, expected: Constants) -> None:
    assert sorted(actual) == sorted(expected)
    for name, array in expected.items():
        assert actual[name].dtype == array.dtype
        np.testing.assert_array_equal(actual[name], array)


makes = pytest.mark.parametrize("make", SAMPLES.values(), ids=SAMPLES)


@makes
def test_round_trip_of_the_samples(make: Make) -> None:
    graph, constants = make()
    decoded, arrays = decode(encode(graph, constants))
    assert decoded == graph
    assert_same_constants(arrays, constants)


@makes
def test_the_safetensors_package_reads_it(make: Make, tmp_path: Path) -> None:
    graph, constants = make()
    path = tmp_path / "sample.sbnn"
    write_file(path, encode(graph, constants))
    assert_same_constants(safetensors.numpy.load_file(path), constants)
    with safetensors.safe_open(path, "np") as file:
        metadata = file.metadata()
    assert list(metadata) == ["signbit"]
    assert from_json(metadata["signbit"]) == graph


@makes
def test_we_read_what_the_safetensors_package_writes(make: Make) -> None:
    graph, constants = make()
    header, _ = split(encode(graph, constants))
    data = safetensors.numpy.save(constants, metadata=header["__metadata__"])
    decoded, arrays = decode(data)
    assert decoded == graph
    assert_same_constants(arrays, constants)


def test_bytes_do_not_depend_on_memory_layout() -> None:
    graph, constants = sample()
    strided = {name: np.repeat(array, 2, axis=0)[::2] for name, array in constants.items()}
    assert encode(graph, strided) == encode(graph, constants)


@makes
def test_tensors_are_aligned_and_without_gaps(make: Make) -> None:
    data = encode(*make())
    assert int.from_bytes(data[:8], "little") % 8 == 0
    header, body = split(data)
    del header["__metadata__"]
    end = 0
    for entry in header.values():
        begin, stop = entry["data_offsets"]
        size = {"U64": 8, "F32": 4, "I32": 4, "I16": 2, "U8": 1}[entry["dtype"]]
        assert begin == end
        assert begin % size == 0
        end = stop
    assert end == len(body)


def test_decoded_constants_cannot_be_changed() -> None:
    _, constants = decode(sample_bytes())
    with pytest.raises(ValueError, match="read-only"):
        constants["4"][0] = 1


def test_unaligned_tensors_are_read() -> None:
    """Another writer may not pad its header; tensors then begin at any byte."""
    data = sample_bytes()
    header, body = split(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    for spaces in range(8):
        padded = text + b" " * spaces
        _, constants = decode(len(padded).to_bytes(8, "little") + padded + body)
        assert_same_constants(constants, sample()[1])
        assert all(array.flags.aligned for array in constants.values())


def test_encode_refuses_what_is_not_valid() -> None:
    graph, constants = sample()
    del constants["10"]
    with pytest.raises(ModelFileError, match=r"^nodes\[4\]\.weight: no tensor '10'"):
        encode(graph, constants)


def test_a_tensor_of_nothing_is_refused() -> None:
    graph, constants = sample()
    for shape in ((0,), (0, 2**62), (3, 0, 1)):
        empty = {**constants, "spare": np.zeros(shape, np.uint8)}
        with pytest.raises(ModelFileError, match=r"^spare\.shape: has a size of 0"):
            decode(raw_file(graph, empty))
