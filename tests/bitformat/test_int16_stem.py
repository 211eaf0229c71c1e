"""Each rule of int16 stems, broken alone in an otherwise valid file, is refused by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.bitformat.samples import Constants, int16_filter, int16_sample, sample

from signbit.bitformat import decode
from signbit.bitformat.graph import Graph, TensorSpec
from signbit.bitformat.int16_stem import has_integer_sums, is_int16
from signbit.bitformat.validate import validate
from signbit.errors import ModelFileError


def refuse(graph: Graph, constants: Constants, message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        validate(graph, constants)


def with_stem(**changes: Any) -> Graph:
    graph, _ = int16_sample()
    return replace(graph, nodes=(replace(graph.nodes[0], **changes), *graph.nodes[1:]))


def test_the_sample_is_valid() -> None:
    graph, constants = int16_sample()
    validate(graph, constants)
    validate(with_stem(pad_value=None), {k: v for k, v in constants.items() if k != "stem.pad"})
    floats = {**constants, "stem.threshold": constants["stem.threshold"].astype(np.float32)}
    validate(graph, floats)


def test_which_nodes_have_integers() -> None:
    graph, constants = int16_sample()
    assert [is_int16(node, constants) for node in graph.nodes] == [True, False, False]
    assert [has_integer_sums(node, constants) for node in graph.nodes] == [True, False, True]
    graph, constants = sample()
    assert not any(is_int16(node, constants) for node in graph.nodes)


@pytest.mark.parametrize("value", [8192, -8192, 32767, -32768])
def test_weights_leave_headroom(value: int) -> None:
    graph, constants = int16_sample()
    constants["stem.weight"].flat[-1] = np.sign(value) * 8191
    validate(graph, constants)
    constants["stem.weight"].flat[-1] = value
    refuse(graph, constants, r"nodes\[0\].*weight: int16 weights must be −8191 to 8191")


def test_sums_stay_in_int32() -> None:
    """255 · 8191 · 1028 < 2³¹ < 255 · 8191 · 1029; between them the last weight decides."""
    decode(int16_filter(1028, 8191))
    last = (2**31 - 1) // 255 - 1028 * 8191
    for weight in (last, -last):
        decode(int16_filter(1029, weight))
    for weight in (last + 1, -last - 1, 8191, -8191):
        with pytest.raises(ModelFileError, match=r"'stem'.*weight: 255 times .* below 2147483648"):
            decode(int16_filter(1029, weight))


def test_the_input_is_the_image() -> None:
    graph, constants = int16_sample()
    copied = replace(graph.nodes[0], name="second", input="stem", real="again", signs=())
    again = replace(
        graph,
        tensors=(*graph.tensors, TensorSpec("again", "real", 5, 4, 6)),
        nodes=(*graph.nodes, replace(copied, pad_value=None)),
    )
    constants = {**constants, "stem.weight": np.zeros((6, 3, 3, 3), np.int16)}
    # The stem yields as many channels as the image has, so that nothing else is wrong.
    for name in ("stem.scale", "stem.shift", "stem.threshold", "stem.flip"):
        constants[name] = constants[name][:3]
    constants["stem.weight"] = constants["stem.weight"][:3]
    constants["conv.weight"] = constants["conv.weight"] & np.uint64(2**27 - 1)
    tensors = tuple(
        replace(tensor, channels=3 if tensor.channels == 6 else tensor.channels)
        for tensor in again.tensors
    )
    refuse(
        replace(again, tensors=tensors),
        constants,
        r"nodes\[3\].*input: int16 weights read pixels, not real",
    )


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("stem.pad", np.zeros(3, np.float32), "pad_value: 'stem.pad' must be U8, is float32"),
        ("stem.pad", np.zeros(3, np.int16), "pad_value: 'stem.pad' must be U8, is int16"),
        ("stem.pad", np.zeros(6, np.uint8), r"pad_value: 'stem.pad' must have shape \(3,\)"),
        ("stem.threshold", np.zeros(6, np.int16), "threshold.*must be F32 or I32, is int16"),
        ("stem.scale", np.zeros(6, np.int16), "scale.*must be F32, is int16"),
        (
            "stem.weight",
            np.zeros((6, 3, 3, 3), np.int32),
            "weight.*must be F32 or I16 or U64, is int32",
        ),
        (
            "stem.weight",
            np.zeros((6, 3, 3, 3), np.uint16),
            "weight.*must be F32 or I16 or U64, is uint16",
        ),
        ("stem.weight", np.zeros((6, 3, 3, 2), np.int16), "weight: must have shape"),
        ("conv.weight", np.zeros((2, 1), np.int16), "weight.*must be U64, is int16"),
        ("spare", np.zeros(1, np.int16), "no node uses"),
    ],
)
def test_constants(name: str, array: Any, message: str) -> None:
    graph, constants = int16_sample()
    refuse(graph, {**constants, name: array}, message)


def test_float_weights_keep_float_pads_and_thresholds() -> None:
    graph, constants = sample()
    pad = np.zeros(3, np.uint8)
    refuse(graph, {**constants, "stem.pad": pad}, "pad_value: 'stem.pad' must be F32, is uint8")
    threshold = np.zeros(8, np.int32)
    refuse(graph, {**constants, "stem.threshold": threshold}, "must be F32, is int32")
