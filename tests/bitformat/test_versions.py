"""Each part of a newer format version needs that version; no other part does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.bitformat.format3_sample import BOX, CONVOLVE, HEAD, PREPARE, format3_sample
from tests.bitformat.samples import Constants, Sample, int16_sample, sample

from signbit.bitformat import decode, encode
from signbit.bitformat.graph import Graph, Shortcut, SignSums
from signbit.bitformat.validate import validate
from signbit.bitformat.versions import check_version, format_needed, with_lowest_format
from signbit.errors import ModelFileError


def bare() -> Sample:
    """The sample of version 3 without its parts: not valid, but of version 1."""
    graph, constants = format3_sample()
    changes: dict[str, Any] = {"shortcut": None, "activation": "prelu", "positive_slope": None}
    changes |= {"map": None, "sums": None, "offset": None, "shift": None}
    graph = with_node(graph, CONVOLVE, **changes)
    graph = with_node(graph, HEAD, input="y", weight="box.weight")
    nodes = tuple(node for node in graph.nodes if node.op not in ("mean_abs", "sign_sum"))
    return replace(graph, nodes=nodes, format=1), constants


def with_node(graph: Graph, index: int, **changes: Any) -> Graph:
    nodes = list(graph.nodes)
    nodes[index] = replace(nodes[index], **changes)
    return replace(graph, nodes=tuple(nodes))


@pytest.mark.parametrize(
    ("make", "version"), [(sample, 1), (bare, 1), (int16_sample, 2), (format3_sample, 3)]
)
def test_the_lowest_version(make: Callable[[], Sample], version: int) -> None:
    graph, constants = make()
    for written in (1, 2, 3):
        graph = replace(graph, format=written)
        assert format_needed(graph, constants) == version
        assert with_lowest_format(graph, constants) == replace(graph, format=version)
        if written >= version:
            check_version(graph, constants)
        else:
            with pytest.raises(ModelFileError, match=f"^format: .* needs version {version}, is"):
                check_version(graph, constants)


CONV_OF_BARE = 2


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"map": "k"}, "map"),
        ({"sums": SignSums("s", "conv.sums")}, "sums"),
        ({"shift": "conv.shift"}, "shift by border"),
        ({"shortcut": Shortcut("x", repeat=True)}, "shortcut.repeat"),
        ({"activation": "maxout"}, "activation maxout"),
        ({"positive_slope": "conv.positive"}, "positive_slope"),
        ({"offset": "conv.offset"}, "offset"),
        ({"op": "sign_sum"}, "op sign_sum"),
        ({"op": "mean_abs"}, "op mean_abs"),
        ({"op": "real_conv", "weight": "box.weight"}, "input of bits"),
        ({"op": "real_conv", "input": "x"}, "weight of U64"),
    ],
)
def test_each_part_of_version_3(changes: dict[str, Any], part: str) -> None:
    graph, constants = bare()
    graph = with_node(graph, CONV_OF_BARE, **changes)
    assert format_needed(graph, constants) == 3
    message = rf"^format: nodes\[2\] \('conv'\)\.{part} needs version 3, is 2$"
    with pytest.raises(ModelFileError, match=message):
        validate(replace(graph, format=2), constants)


def test_parts_of_version_1_that_resemble_them() -> None:
    graph, constants = bare()
    same = with_node(graph, CONV_OF_BARE, shortcut=Shortcut("x"), shift="conv.offset")
    assert format_needed(same, constants) == 1
    # A shift of three dimensions is no shift by border elsewhere, and refused there.
    assert format_needed(with_node(graph, PREPARE, shift="conv.shift"), constants) == 1
    missing = with_node(graph, CONV_OF_BARE, weight="nowhere", shift="nowhere")
    assert format_needed(missing, constants) == 1


def test_both_newer_versions_in_one_file() -> None:
    graph, constants = format3_sample()
    both: Constants = {**constants, "box.weight": np.ones((1, 3, 3, 1), np.int16)}
    assert format_needed(graph, both) == 3
    with pytest.raises(ModelFileError, match=r"box'\)\.weight of I16 needs version 2, is 1"):
        check_version(with_node(bare()[0], BOX - 1, weight="box.weight"), both)


def test_a_newer_version_than_needed_is_read() -> None:
    for make in (sample, int16_sample):
        graph, constants = make()
        assert decode(encode(replace(graph, format=3), constants))[0].format == 3
    graph, constants = sample()
    for version in (0, 4):
        with pytest.raises(ModelFileError, match=f"^format: must be 1 to 3, is {version}"):
            validate(replace(graph, format=version), constants)
