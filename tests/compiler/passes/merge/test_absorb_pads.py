"""Pads moved and absorbed: the values stay what they were, bit for bit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.compiler.graphs import Builder, answers, ops
from tests.thorough import many

from signbit.bitformat.graph import Sides
from signbit.compiler.ir import IMAGE, Graph, Shape
from signbit.compiler.passes.merge.absorb_pads import absorb_pads

SIDES: Sides = (1, 0, 2, 3)


class PadBuilder(Builder):
    """Pads are nodes `pad`, or the convolutions of one tap that they are otherwise."""

    def __init__(self, *, computed: bool, seed: int = 0) -> None:
        super().__init__((6, 5, 3), seed)
        self.computed = computed

    def pad(self, source: str, value: npt.ArrayLike, sides: Sides = SIDES) -> str:
        top, left, bottom, right = sides
        height, width, channels = self.graph[source].shape
        shape = Shape(top + height + bottom, left + width + right, channels)
        values = np.array(np.broadcast_to(value, channels), np.float64)
        is_sign = self.graph[source].is_sign
        if not self.computed:
            return self.add(
                "pad", source, shape=shape, padding=sides, value=values, is_sign=is_sign
            )
        weight = np.ones((channels, 1, 1, 1))
        padded = self.add(
            "real_conv",
            source,
            shape=shape,
            padding=sides,
            groups=channels,
            weight=weight,
            pad_value=values,
        )
        return self.sign(padded) if is_sign else padded


Make = Callable[[PadBuilder], str]


def _absorbed(make: Make, seed: int = 0) -> Graph:
    """The graph after the pass, whose answers are those of a graph where nodes pad."""
    results = []
    for computed in (True, False):
        build = PadBuilder(computed=computed, seed=seed)
        build.graph.output = make(build)
        graph = build.graph
        if not computed:
            absorb_pads(graph)
            assert "pad" not in ops(graph)
        results.append((graph, answers(build.finish(graph.output))))
    np.testing.assert_array_equal(results[0][1], results[1][1])
    return results[1][0]


def _stem(build: PadBuilder) -> str:
    """Reals of both signs; every pad stands between it and what reads the pad."""
    return build.scaled(build.conv(IMAGE, 4), [1, -0.5, 2, 0.25], [-1, 0.5, 2, 0])


ABSORBED: dict[str, tuple[Make, list[str]]] = {
    "real": (lambda b: b.conv(b.pad(_stem(b), 0.5), 5, padding=0), ["real_conv"]),
    "channels": (
        lambda b: b.conv(b.pad(_stem(b), [1, 2, 0, -1]), 5, padding=0),
        ["real_conv"],
    ),
    "binary": (
        lambda b: b.conv(b.pad(b.sign(_stem(b)), -1), 5, padding=0),
        ["sign", "binary_conv"],
    ),
    "a sign behind": (
        lambda b: b.conv(b.sign(b.pad(_stem(b), 0.5)), 5, padding=0),
        ["sign", "binary_conv"],
    ),
    "maths and a sign behind": (
        lambda b: b.conv(b.sign(b.scaled(b.pad(_stem(b), 0.5), -2, 0.5)), 5, padding=0),
        ["identity", "sign", "binary_conv"],
    ),
    "a pool of signs": (
        lambda b: b.conv(b.max_pool(b.pad(b.sign(_stem(b)), -1), 4, 2), 5),
        ["sign", "max_pool", "binary_conv"],
    ),
    "a pool behind relu": (
        lambda b: b.max_pool(b.activation(b.pad(_stem(b), -7), "relu"), 4, 2),
        ["identity", "max_pool"],
    ),
    "zeros around zeros": (lambda b: b.conv(b.pad(_stem(b), 0), 5), ["real_conv"]),
    "a pad of a pad": (
        lambda b: b.conv(b.pad(b.pad(_stem(b), 3), 3, (0, 1, 0, 1)), 5, padding=0),
        ["real_conv"],
    ),
}


@pytest.mark.parametrize("name", list(ABSORBED))
def test_what_reads_it_pads(name: str) -> None:
    make, kinds = ABSORBED[name]
    assert ops(_absorbed(make)) == ["image", "real_conv", "identity", *kinds]


COMPUTED: dict[str, Make] = {
    "the output": lambda b: b.pad(_stem(b), 2),
    "ones around zeros": lambda b: b.conv(b.pad(_stem(b), 1), 5),
    "signs around nothing": lambda b: b.conv(b.pad(b.sign(_stem(b)), 1), 5),
    "different signs": lambda b: b.conv(b.pad(b.sign(_stem(b)), [1, -1, 1, 1]), 5, padding=0),
    "plus in a pool": lambda b: b.conv(b.max_pool(b.pad(b.sign(_stem(b)), 1), 4, 2), 5),
    "a large value in a pool": lambda b: b.max_pool(b.pad(_stem(b), 300), 4, 2),
    "windows outside": lambda b: b.max_pool(
        b.activation(b.pad(_stem(b), 0, (3, 3, 3, 3)), "relu"), 2, 2
    ),
    "sums of signs": lambda b: b.conv_with("sums", b.pad(b.sign(_stem(b)), -1), 5),
}


@pytest.mark.parametrize("name", list(COMPUTED))
def test_otherwise_a_node_pads(name: str) -> None:
    graph = _absorbed(COMPUTED[name])
    padding = [node for node in graph if node.op == "real_conv" and node["kernel"] == (1, 1)]
    assert len(padding) == 1


def test_readers_that_pad_and_one_that_does_not() -> None:
    def make(build: PadBuilder) -> str:
        pad = build.pad(_stem(build), 1.5)
        first = build.conv(pad, 4, padding=0)
        second = build.max_pool(build.conv(build.sign(pad), 4, padding=0), 1, 1)
        return build.plus(build.plus(first, second), build.max_pool(pad, 3, 1))

    graph = _absorbed(make)
    assert [node["padding"] for node in graph if node.has("padding")][1:4] == [SIDES] * 3


def test_refuses_minus_infinity_that_is_not_ignored() -> None:
    build = PadBuilder(computed=False)
    build.graph.output = build.conv(build.pad(_stem(build), -np.inf), 5)
    absorb_pads(build.graph)
    (refusal,) = build.graph.refused
    assert refusal.cure == "only that ignores it"


@settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=many(100),
    phases=[Phase.explicit, Phase.generate],
)
@given(data=st.data(), seed=st.integers(0, 99))
@pytest.mark.slow
def test_chains(data: st.DataObject, seed: int) -> None:
    """Of pads, maths, signs, pools and convolutions."""
    kinds = ("pad", "pad", "maths", "relu", "sign", "pool", "conv", "sum")
    chain = data.draw(st.lists(st.sampled_from(kinds), min_size=2, max_size=7))
    amounts = st.tuples(*[st.integers(0, 2)] * 4)
    sides = [data.draw(amounts) for _ in chain]
    values = [data.draw(st.sampled_from((-1.0, 0.0, 0.5, 1.0))) for _ in chain]
    paddings = [data.draw(st.sampled_from((0, 1))) for _ in chain]

    def make(build: PadBuilder) -> str:
        value = _stem(build)
        for kind, side, outside, padding in zip(chain, sides, values, paddings, strict=True):
            bits = build.graph[value].is_sign
            if kind == "pad":
                value = build.pad(value, np.sign(outside - 0.1) if bits else outside, side)
            elif kind == "maths" and not bits:
                value = build.affine(value)
            elif kind == "relu" and not bits:
                value = build.activation(value, "relu")
            elif kind == "sign" and not bits:
                value = build.sign(value)
            elif kind == "pool":
                value = build.max_pool(value, 3, 1, padding)
            elif kind == "conv":
                value = build.conv(value, 4, padding=padding)
            elif kind == "sum" and not bits:
                value = build.plus(value, value)
            if min(build.graph[value].shape[:2]) < 3:
                break
        return (
            build.max_pool(value, 1, 1) if not build.graph[value].is_sign else build.conv(value, 4)
        )

    _absorbed(make, seed)
