"""Each rule of int16 stems, broken alone in an otherwise valid file, is refused by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.bitformat.builder import Builder, Constants
from tests.bitformat.samples import int16_filter, int16_sample, sample

from signbit.bitformat import decode
from signbit.bitformat.graph import Graph, Output
from signbit.bitformat.int16_stem import has_integer_sums, is_int16
from signbit.bitformat.validate import validate
from signbit.errors import ModelFileError

SCALE, SHIFT, WEIGHT, PAD, THRESHOLD, FLIP, CONV = map(str, range(7))
"""Constants of the sample."""


def refuse(graph: Graph, constants: Constants, message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        validate(graph, constants)


def test_the_sample_is_valid() -> None:
    graph, constants = int16_sample()
    validate(graph, constants)
    stem = graph.nodes[0]
    bare = replace(stem, keys={key: stem.keys[key] for key in stem.keys if key != "pad_value"})
    unpadded = {name: array for name, array in constants.items() if name != PAD}
    validate(replace(graph, nodes=(bare, *graph.nodes[1:])), unpadded)
    validate(graph, {**constants, THRESHOLD: constants[THRESHOLD].astype(np.float32)})


def test_which_nodes_have_integers() -> None:
    graph, constants = int16_sample()
    assert [is_int16(node, constants) for node in graph.nodes] == [True, False, False]
    assert [has_integer_sums(node, constants) for node in graph.nodes] == [True, False, True]
    graph, constants = sample()
    assert not any(is_int16(node, constants) for node in graph.nodes)


@pytest.mark.parametrize("value", [8192, -8192, 32767, -32768])
def test_weights_leave_headroom(value: int) -> None:
    graph, constants = int16_sample()
    constants[WEIGHT].flat[-1] = np.sign(value) * 8191
    validate(graph, constants)
    constants[WEIGHT].flat[-1] = value
    refuse(graph, constants, r"^nodes\[0\]\.weight: int16 weights must be −8191 to 8191")


def test_sums_stay_in_int32() -> None:
    """255 · 8191 · 1028 < 2³¹ < 255 · 8191 · 1029; between them the last weight decides."""
    decode(int16_filter(1028, 8191))
    last = (2**31 - 1) // 255 - 1028 * 8191
    for weight in (last, -last):
        decode(int16_filter(1029, weight))
    for weight in (last + 1, -last - 1, 8191, -8191):
        with pytest.raises(ModelFileError, match=r"weight: 255 times .* below 2147483648"):
            decode(int16_filter(1029, weight))


@pytest.mark.parametrize("kind", ["image", "real", "bits"])
def test_the_input_is_the_image(kind: str) -> None:
    b = Builder(0)
    given = b.input("x", "real" if kind == "real" else "image", 3, 3, 2)
    if kind == "bits":
        given = b.node("signs", "identity", (given,), outputs=(Output("signs"),))
    weight = b.integers(np.int16, -9, 9, 4, 1, 1, 2)
    b.output("y", b.node("stem", "real_conv", (given,), weight=weight))
    if kind == "image":
        validate(*b.sample())
    else:
        refuse(*b.sample(), f"weight: int16 weights read pixels, not {kind}")


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        (PAD, np.zeros(3, np.float32), "pad_value: tensor '3' must be U8, is float32"),
        (PAD, np.zeros(3, np.int16), "pad_value: tensor '3' must be U8, is int16"),
        (PAD, np.zeros(6, np.uint8), r"pad_value: tensor '3' must have shape \(3,\)"),
        (THRESHOLD, np.zeros(6, np.int16), "threshold: .* must be F32 or I32, is int16"),
        (SCALE, np.zeros(6, np.int16), "scale: .* must be F32, is int16"),
        (WEIGHT, np.zeros((6, 3, 3, 3), np.int32), "weight: .* F32 or I16 or U64, is int32"),
        (WEIGHT, np.zeros((6, 3, 3, 3), np.uint16), "weight: .* F32 or I16 or U64, is uint16"),
        (WEIGHT, np.zeros((6, 3, 3, 2), np.int16), "weight: must have shape"),
        (CONV, np.zeros((2, 1), np.int16), "weight: .* must be U64, is int16"),
        ("spare", np.zeros(1, np.int16), "spare: no node uses"),
    ],
)
def test_constants(name: str, array: Any, message: str) -> None:
    graph, constants = int16_sample()
    refuse(graph, {**constants, name: array}, message)


def test_float_weights_keep_float_pads_and_thresholds() -> None:
    graph, constants = sample()
    pad = np.zeros(3, np.uint8)
    refuse(graph, {**constants, "1": pad}, "pad_value: tensor '1' must be F32, is uint8")
    threshold = np.zeros(8, np.int32)
    message = r"nodes\[0\]\.outputs\[1\]\.threshold: I32 compares integers, which real_conv"
    refuse(graph, {**constants, "2": threshold}, message)
