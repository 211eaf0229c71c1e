"""The benchmark of what is done with signs: its files, and what it measures of them."""

from __future__ import annotations

import numpy as np
import pytest

import signbit
import signs
from signbit.bitformat import decode
from signbit.runtime.reference import ReferenceEngine
from subjects.layer_graphs import Layer
from subjects.sign_graphs import MOVES, moved, several_bits, sign_product

SMALL = Layer("small", 16, 6, 3, 1, 3)


@pytest.mark.parametrize("bits", signs.BITS)
def test_layers_of_several_bits(bits: int) -> None:
    data = several_bits(SMALL, 2, bits)
    layers = [node for node in decode(data)[0].nodes if node.name.startswith("layer")]
    assert [len(node.outputs) for node in layers] == [bits, bits]
    assert [node["copies"] for node in layers] == [bits, bits]
    engine = signbit.load(data, threads=1)
    given = signs.inputs_of(engine)
    answer = engine(given)
    assert np.array_equal(answer, ReferenceEngine(data)(given))
    assert len(np.unique(answer)) > 5


def test_a_layer_is_measured() -> None:
    found = signs.layers_of_bits(SMALL, signbit.cpu_isas()[-1], 0.0)
    assert list(found) == ["small, bits: 1", "small, bits: 2", "small, bits: 3"]
    assert found["small, bits: 1"]["ratio"] == 1


def test_bits_and_floats_are_held_against_each_other() -> None:
    isa = signbit.cpu_isas()[0]
    for over_tokens in (False, True):
        files = [
            sign_product(2, 5, 9, over_tokens=over_tokens, as_bits=bits) for bits in (True, False)
        ]
        assert signs.beside_floats("product", files, isa)["ratio"] > 0
    for op in MOVES:
        files = [moved(op, 2, as_bits=bits) for bits in (True, False)]
        assert signs.beside_floats("moved", files, isa)["us"] > 0
    lines = signs.rows({"concat": {"us": 1.0, "floats_us": 2.0, "ratio": 2.0}}).splitlines()
    assert lines[2].split() == ["|", "concat", "|", "1.00", "|", "2.00", "|", "2.00", "|"]
