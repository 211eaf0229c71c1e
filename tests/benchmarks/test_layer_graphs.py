from __future__ import annotations

import numpy as np
import pytest

import signbit
from signbit.bitformat import decode
from signbit.bitformat.validate import validate
from signbit.runtime.reference import ReferenceEngine
from subjects.layer_graphs import LAYERS, Layer, binary_chain

SMALL = Layer("small", 16, 6, 3, 1, 3)


@pytest.mark.parametrize("shortcut", [False, True])
def test_a_chain_has_the_layers_it_says(shortcut: bool) -> None:
    graph, constants = decode(binary_chain(SMALL, 3, shortcut))
    layers = [(node, tensors) for node, tensors in graph.written() if node.name[:5] == "layer"]
    assert [node["kernel"] for node, _ in layers] == [(3, 3)] * 3
    kinds = ["real", "signs"] if shortcut else ["signs"]
    assert [[output.kind for output in node.outputs] for node, _ in layers] == [kinds] * 3
    tensors = validate(graph, constants)
    assert all(tensors[written[-1]] == ("bits", (6, 6, 16)) for _, written in layers)


@pytest.mark.parametrize("shortcut", [False, True])
def test_its_answers_vary_and_equal_the_oracle(shortcut: bool) -> None:
    data = binary_chain(SMALL, 3, shortcut)
    images = np.random.default_rng(0).integers(0, 256, (2, 6, 6, 16), dtype=np.uint8)
    answer = signbit.load(data, threads=1)(images)
    assert np.array_equal(answer, ReferenceEngine(data)(images))
    assert len(np.unique(answer)) > 5


def test_multiply_adds_of_a_layer() -> None:
    assert LAYERS[0].macs == 64 * 64 * 9 * 56 * 56
