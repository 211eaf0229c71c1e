"""Signs move in front of what moves values, with all maths by channel, and no answer changes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.compiler.graphs import Builder, answers, ops

from signbit.compiler.ir import Graph, Shape
from signbit.compiler.passes.remove_dead import remove_dead
from signbit.compiler.passes.signs.signs_first import signs_first
from signbit.compiler.passes.signs.thresholds import thresholds

Move = Callable[[Builder, str], str]


def _size(build: Builder, name: str) -> Shape:
    return build.graph[name].shape


def _concat(build: Builder, name: str, other: str | None = None) -> str:
    """With something else of the image, or with itself once more."""
    other = name if other is None else other
    channels = _size(build, name).channels + _size(build, other).channels
    shape = _size(build, name)._replace(channels=channels)
    return build.add("concat", name, other, shape=shape)


def _slice(build: Builder, name: str, first: int = 1, count: int = 2) -> str:
    shape = _size(build, name)._replace(channels=count)
    return build.add("slice", name, shape=shape, first=first, count=count)


def _upsample(build: Builder, name: str) -> str:
    height, width, channels = _size(build, name)
    return build.add("upsample", name, shape=Shape(2 * height, 3 * width, channels), factor=(2, 3))


def _to_depth(build: Builder, name: str) -> str:
    height, width, channels = _size(build, name)
    shape = Shape(height // 2, width // 2, 4 * channels)
    return build.add("space_to_depth", name, shape=shape, block=2)


def _to_space(build: Builder, name: str) -> str:
    height, width, channels = _size(build, name)
    shape = Shape(2 * height, 2 * width, channels // 4)
    return build.add("depth_to_space", name, shape=shape, block=2)


def _shuffle(build: Builder, name: str) -> str:
    return build.add("channel_shuffle", name, shape=_size(build, name), groups=2)


def _global_max(build: Builder, name: str) -> str:
    shape = Shape(1, 1, _size(build, name).channels)
    return build.add("global_max", name, shape=shape)


def _reshape(build: Builder, name: str) -> str:
    height, width, channels = _size(build, name)
    shape = Shape(1, height, width * channels)
    return build.add("reshape", name, shape=shape, rows=1, count=shape.channels)


def _transpose(build: Builder, name: str) -> str:
    height, width, channels = _size(build, name)
    return build.add("transpose", name, shape=Shape(height, channels, width))


MOVES: dict[str, Move] = {
    "channel_shuffle": _shuffle,
    "concat": _concat,
    "depth_to_space": _to_space,
    "global_max": _global_max,
    "max_pool": lambda build, name: build.max_pool(name, 3, 2, 1),
    "reshape": _reshape,
    "slice": _slice,
    "space_to_depth": _to_depth,
    "transpose": _transpose,
    "upsample": _upsample,
}
POOLS = ("global_max", "max_pool")
ALIKE = ("reshape", "space_to_depth", "transpose")
"""Moves into other channels, which pass only what is alike for those."""


def _moved(move: str, maths: Callable[[Builder, str], str] | None = None) -> tuple[Graph, str]:
    """A graph with the sign of a moved value, with maths in between, and a reader of the sign."""
    build = Builder((6, 4, 3), seed=3)
    moved = MOVES[move](build, build.stem(8))
    sign = build.sign(moved if maths is None else maths(build, moved))
    return build.finish(build.conv(sign, 6, 1, padding=0)), sign


def _check(graph: Graph) -> None:
    before = answers(graph)
    signs_first(graph)
    np.testing.assert_array_equal(answers(graph), before)
    thresholds(graph)
    remove_dead(graph)
    np.testing.assert_array_equal(answers(graph), before)


@pytest.mark.parametrize("move", list(MOVES))
def test_bits_move_with_the_same_answers(move: str) -> None:
    graph, sign = _moved(move)
    _check(graph)
    assert graph[sign].op == move
    assert graph[sign].is_sign
    assert [node.op for node in graph if node.op in MOVES and not node.is_sign] == []
    for name in graph[sign].inputs:
        assert graph[name].op == "sign"
        assert (graph[name].origin.export, graph[name].origin.signed) == ("", "fx_v2")


@pytest.mark.parametrize("move", [move for move in MOVES if move not in ALIKE])
def test_maths_by_channel_moves_along(move: str) -> None:
    def maths(build: Builder, name: str) -> str:
        return build.affine(build.activation(build.affine(name, positive=True), "hardtanh"))

    def rising(build: Builder, name: str) -> str:
        return build.affine(build.activation(name, "hardtanh"), positive=True)

    graph, sign = _moved(move, rising if move in POOLS else maths)
    _check(graph)
    assert graph[sign].op == move
    assert graph[sign].is_sign
    assert [node.op for node in graph if node.op in MOVES and not node.is_sign] == []


def test_a_shuffle_takes_maths_along_that_is_alike_for_what_comes_of_one_channel() -> None:
    def alike(build: Builder, name: str) -> str:
        return build.scaled(name, np.repeat([1.0, -2, 3, 0, -0.5, 1, 1, 2], 4), 0.25)

    graph, sign = _moved("space_to_depth", alike)
    _check(graph)
    assert graph[sign].op == "space_to_depth"


@pytest.mark.parametrize("move", ["reshape", "transpose"])
def test_channels_that_change_take_along_what_is_alike_for_all(move: str) -> None:
    graph, sign = _moved(move, lambda build, name: build.scaled(name, -0.5, 0.25))
    _check(graph)
    assert graph[sign].op == move


def test_pixels_that_change_places_take_any_maths_along() -> None:
    build = Builder((6, 4, 3), seed=3)
    stem = build.stem(8)
    height, width, channels = _size(build, stem)
    shape = Shape(width, height, channels)
    moved = build.add("transpose", stem, shape=shape, whole_pixels=True)
    sign = build.sign(build.affine(moved))
    graph = build.finish(build.conv(sign, 6, 1, padding=0))
    _check(graph)
    assert graph[sign].op == "transpose"


@pytest.mark.parametrize("move", ALIKE)
def test_a_move_stays_where_the_maths_differs(move: str) -> None:
    graph, sign = _moved(move, lambda build, name: build.affine(name))
    before = ops(graph)
    _check(graph)
    assert graph[sign].op == "sign"
    assert move in before


@pytest.mark.parametrize("move", POOLS)
def test_a_pool_stays_in_front_of_maths_that_falls(move: str) -> None:
    graph, sign = _moved(move, lambda build, name: build.scaled(name, [1, -1] * 4, 0))
    _check(graph)
    assert graph[sign].op == "sign"


@pytest.mark.parametrize("move", list(MOVES))
def test_stays_where_the_moved_reals_are_read(move: str) -> None:
    build = Builder((6, 4, 3))
    moved = MOVES[move](build, build.stem(8))
    conv = build.conv(build.sign(moved), _size(build, moved).channels)
    graph = build.finish(build.plus(conv, moved))
    before = ops(graph)
    signs_first(graph)
    assert ops(graph) == before


@pytest.mark.parametrize("move", list(MOVES))
def test_leaves_moved_signs_alone(move: str) -> None:
    build = Builder((8, 8, 3))
    moved = MOVES[move](build, build.sign(build.stem(8)))
    build.graph.update(moved, is_sign=True)
    graph = build.finish(build.conv(moved, 4, 1, padding=0))
    before = ops(graph)
    signs_first(graph)
    assert ops(graph) == before


def test_the_network_may_yield_the_moved_reals() -> None:
    build = Builder((6, 4, 3))
    moved = _concat(build, build.stem(4))
    build.sign(moved)
    graph = build.finish(moved)
    signs_first(graph)
    assert graph.output == moved


def test_a_slice_stays_where_its_input_is_read_as_reals() -> None:
    build = Builder((6, 4, 3))
    stem = build.stem(4)
    part = _slice(build, stem)
    graph = build.finish(build.plus(build.conv(build.sign(part), 4), stem))
    before = ops(graph)
    _check(graph)
    assert ops(graph) == before


def test_all_parts_of_a_split_move() -> None:
    build = Builder((6, 4, 3), seed=2)
    stem = build.stem(5)
    left, right = _slice(build, stem, 0, 3), _slice(build, stem, 3, 2)
    signs = [build.sign(build.affine(part)) for part in (left, right)]
    convs = [build.conv(sign, 4) for sign in signs]
    graph = build.finish(build.plus(*convs))
    _check(graph)
    assert [graph[sign].op for sign in signs] == ["slice", "slice"]
    assert all(graph[sign].is_sign for sign in signs)


def test_moves_behind_each_other() -> None:
    """And a value that is read twice."""
    build = Builder((6, 4, 3), seed=5)
    stem = build.stem(8)
    joined = _concat(build, build.affine(stem), build.max_pool(stem, 1, 1))
    signs = [
        build.sign(build.affine(_upsample(build, _to_space(build, joined)))),
        build.sign(_upsample(build, _slice(build, joined, 3, 9))),
    ]
    first = build.conv(signs[0], 4, 2, stride=2, padding=0)
    second = build.conv(signs[1], 4, 1, padding=0)
    graph = build.finish(build.plus(build.affine(first), build.affine(second)))
    _check(graph)
    assert [node.op for node in graph if node.op in MOVES and not node.is_sign] == []


@settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],
)
@given(data=st.data())
def test_chains_of_moves_and_maths(data: st.DataObject) -> None:
    """Some of them read by reals, too."""
    build = Builder((8, 12, 3), seed=data.draw(st.integers(0, 99)))
    value = build.stem(4)
    others = []
    for _ in range(data.draw(st.integers(1, 4))):
        height, width, channels = _size(build, value)
        fits = {
            "channel_shuffle": channels % 2 == 0,
            "depth_to_space": channels % 4 == 0,
            "slice": channels > 2,
            "space_to_depth": height % 2 == 0 == width % 2,
            "upsample": height * width < 1000,
        }
        move = data.draw(st.sampled_from([move for move in MOVES if fits.get(move, True)]))
        value = MOVES[move](build, value)
        if data.draw(st.booleans()):
            value = build.affine(value, positive=data.draw(st.booleans()))
        if data.draw(st.integers(0, 3)) == 0:
            others.append(build.mean(build.conv(build.sign(value), 4)))
        if data.draw(st.integers(0, 5)) == 0:
            others.append(build.mean(build.conv(value, 4, 1, padding=0)))
    result = build.affine(build.mean(build.conv(build.sign(value), 4, 1, padding=0)))
    for other in others:
        result = build.plus(result, other)
    _check(build.finish(result))
