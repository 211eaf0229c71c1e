"""Signs that only change places: as bits what they are as floats, at any channel and any step."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runtime.identity import ISAS, assert_identical, named, unfused_engine
from tests.thorough import drawn

import signbit
from signbit.bitformat import encode, pack_bits
from signbit.bitformat.graph import Graph, GraphInput, GraphOutput, Node, Output, Shape
from signbit.runtime.reference import ReferenceEngine

Keys = dict[str, Any]

CHANNELS = st.sampled_from((1, 2, 3, 7, 8, 9, 16, 24, 31, 32, 33, 63, 64, 65, 96, 128, 130))
SIZES = st.sampled_from((1, 2, 3, 5, 8, 33))

OPERATIONS = (
    *("identity", "flatten", "concat", "slice", "upsample", "space_to_depth", "depth_to_space"),
    *("channel_shuffle", "transpose", "reshape"),
)


def _drawn(data: st.DataObject, op: str) -> tuple[Shape, list[int], Keys]:
    """(height, width, channels) of what the operation reads, channels of each, and its keys."""
    height, width, channels = (data.draw(kind) for kind in (SIZES, SIZES, CHANNELS))
    if op != "transpose":
        height, width = min(height, 3), min(width, 8)
    keys: Keys = {}
    several = [channels]
    if op == "concat":
        several += data.draw(st.lists(CHANNELS, min_size=1, max_size=3))
    elif op == "slice":
        count = data.draw(st.integers(1, channels))
        keys = {"first": data.draw(st.integers(0, channels - count)), "count": count}
    elif op == "upsample":
        keys = {"factor": (data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3)))}
    elif op == "space_to_depth":
        keys = {"block": data.draw(st.integers(1, 4))}
        height, width = (min(each, 3) * keys["block"] for each in (height, width))
    elif op == "depth_to_space":
        keys = {"block": data.draw(st.integers(1, 4))}
        several = [channels * keys["block"] ** 2]
    elif op == "channel_shuffle":
        keys = {"groups": data.draw(st.sampled_from((2, 3, 8, 40)))}
        several = [channels * keys["groups"]]
    elif op == "transpose" and data.draw(st.booleans()):
        keys = {"whole_pixels": True}
    elif op == "reshape":
        values = height * width * channels
        count = data.draw(st.sampled_from([c for c in (1, 3, channels, 64) if values % c == 0]))
        rows = data.draw(st.sampled_from((1, height)))
        keys = {"rows": rows if values % (rows * count) == 0 else 1, "count": count}
    return (height, width, several[0]), several, keys


def _file(op: str, shape: Shape, several: list[int], keys: Keys, flips: int, groups: int) -> bytes:
    """Reals → their signs → the operation, as they are and flipped → signs, and dots of them."""
    constants: dict[str, npt.NDArray[Any]] = {}
    inputs = [GraphInput(f"x{i}", "real", (*shape[:2], each)) for i, each in enumerate(several)]
    count = len(inputs)
    nodes = [Node(f"signs{i}", "identity", (i,), outputs=(Output("signs"),)) for i in range(count)]
    moved = Node("moved", op, tuple(range(count, 2 * count)), keys, (), (Output("signs"),))
    probe = encode(Graph(tuple(inputs), (GraphOutput("y", 2 * count),), (*nodes, moved)), constants)
    channels = ReferenceEngine(probe).tensors[2 * count].shape[2]
    rng = np.random.default_rng(flips)
    constants["0"] = rng.integers(0, 2, channels).astype(np.uint8)
    outputs = (Output("signs"), Output("signs", flip=0)) if flips else (Output("signs"),)
    nodes.append(Node("moved", op, moved.inputs, keys, (), outputs))
    if not flips:
        del constants["0"]
    wanted = [GraphOutput(f"y{i}", 2 * count + i) for i in range(len(outputs))]
    if channels % groups == 0:
        constants["1"] = pack_bits(rng.random((groups, channels // groups)) < 0.5)
        keys = {"weight": 1, **({"groups": groups} if groups > 1 else {})}
        nodes.append(Node("dots", "binary_conv", (2 * count,), keys))
        wanted.append(GraphOutput("dots", 2 * count + len(outputs)))
    return encode(Graph(tuple(inputs), tuple(wanted), tuple(nodes)), constants)


@pytest.mark.parametrize("op", OPERATIONS)
@drawn(200, least=20)
@given(data=st.data())
def test_the_bits(op: str, data: st.DataObject) -> None:
    shape, several, keys = _drawn(data, op)
    flips, groups = data.draw(st.integers(0, 3)), data.draw(st.sampled_from((1, 1, 2, 3)))
    file = _file(op, shape, several, keys, flips, groups)
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    batch = data.draw(st.sampled_from((1, 2, 5)))
    arrays = [rng.standard_normal((batch, *shape[:2], each)).astype(np.float32) for each in several]
    given = {f"x{i}": array for i, array in enumerate(arrays)}
    expected = named(ReferenceEngine(file)(given))
    for threads in (1, 3):
        for engine in (signbit.load(file, threads=threads), unfused_engine(file, threads)):
            assert_identical(named(engine(given)), expected)


@pytest.mark.slow
@pytest.mark.parametrize("isa", ISAS)
def test_every_instruction_set_has_them(isa: str) -> None:
    for op in OPERATIONS:
        keys: Keys = {
            "slice": {"first": 3, "count": 70},
            "upsample": {"factor": (2, 1)},
            "space_to_depth": {"block": 2},
            "depth_to_space": {"block": 3},
            "channel_shuffle": {"groups": 4},
            "reshape": {"rows": 2, "count": 36},
        }.get(op, {})
        several = [108, 108] if op == "concat" else [108]
        file = _file(op, (4, 6, 108), several, keys, 1, 2)
        x = np.random.default_rng(0).standard_normal((2, 4, 6, 108)).astype(np.float32)
        given = {f"x{i}": x for i in range(len(several))}
        expected = named(ReferenceEngine(file)(given))
        assert_identical(named(signbit.load(file, threads=1, isa=isa)(given)), expected)
