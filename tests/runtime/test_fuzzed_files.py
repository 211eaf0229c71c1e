"""Files changed in small ways: refused by both readers, naming one field, or read by both.

The readers' validators are written apart from each other, so that a rule that one lacks is seen.
"""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.bitformat.builder import Constants
from tests.bitformat.files import raw_file, text_file
from tests.bitformat.mutations import Mutation, constant_mutations, graph_mutations
from tests.bitformat.samples import SAMPLES, Make
from tests.runtime.readers import check_alike, verdict

from signbit.bitformat import decode, encode
from signbit.bitformat.graph import Pair, at_size
from signbit.bitformat.schema import to_json
from signbit.bitformat.validate import validate
from signbit.errors import InputError
from signbit.runtime import _native

makes = pytest.mark.parametrize("make", SAMPLES.values(), ids=SAMPLES)


def parts(make: Make) -> tuple[dict[str, Any], Constants]:
    """A sample's graph as JSON, and its constants."""
    graph, constants = make()
    return json.loads(to_json(graph)), constants


@pytest.mark.slow
@makes
def test_every_mutation_of_a_graph(make: Make) -> None:
    graph, constants = parts(make)
    accepted = refused = 0
    for mutation in graph_mutations(graph):
        changed = copy.deepcopy(graph)
        mutation.apply(changed)
        if check_alike(text_file(json.dumps(changed), constants), mutation.label):
            accepted += 1
        else:
            refused += 1
    assert accepted > 20
    assert refused > 1000


@makes
def test_every_mutation_of_a_constant(make: Make) -> None:
    graph, constants = make()
    accepted = refused = 0
    for mutation in constant_mutations(constants):
        changed = dict(constants)
        mutation.apply(changed)
        if check_alike(raw_file(graph, changed), mutation.label):
            accepted += 1
        else:
            refused += 1
    assert accepted > 5
    assert refused > 50


@makes
def test_several_mutations_at_once(make: Make) -> None:
    """What is wrong in two places is reported at the first, in the order of docs/format.md."""
    graph, constants = parts(make)
    of_graph, of_constants = list(graph_mutations(graph)), list(constant_mutations(constants))
    rng = np.random.default_rng(12)
    fields = set()
    for _ in range(1500):
        changed, table = copy.deepcopy(graph), dict(constants)
        labels = [_apply_one(of_graph, changed, rng) for _ in range(int(rng.integers(1, 4)))]
        if rng.random() < 0.5:
            labels.append(_apply_one(of_constants, table, rng))
        data = text_file(json.dumps(changed), table)
        check_alike(data, "; ".join(labels))
        fields.add(verdict(decode, data)[1])
    assert len(fields) > 50


def _apply_one(mutations: list[Mutation], value: Any, rng: np.random.Generator) -> str:
    """Apply a mutation; one whose place an earlier one has taken away does nothing."""
    mutation = mutations[int(rng.integers(len(mutations)))]
    try:
        mutation.apply(value)
    except (AttributeError, IndexError, KeyError, TypeError):
        return "nothing"
    return mutation.label


@makes
@pytest.mark.parametrize("any_size", [True, False])
def test_other_sizes_of_images(make: Make, any_size: bool) -> None:
    graph, constants = make()
    graph = replace(graph, any_size=any_size)
    data = raw_file(graph, constants)
    for size in ((1, 1), (2, 3), (5, 4), (6, 6), (7, 5), (8, 8), (64, 48), (16_385, 5), (5, -1)):

        def validated(_: bytes, size: Pair = size) -> object:
            return validate(at_size(graph, size), constants)

        def read(data: bytes, size: Pair = size) -> object:
            return _native.check_model(data, size)

        assert verdict(read, data) == verdict(validated, data)
    with pytest.raises(InputError, match=r"^input_size: "):
        _native.check_model(data, (0, 0))
    _native.check_model(data, None)


@makes
def test_flipped_bytes(make: Make) -> None:
    """One to three bytes changed anywhere."""
    data = encode(*make())
    rng = np.random.default_rng(11)
    header = int.from_bytes(data[:8], "little")
    accepted = 0
    for _ in range(2000):
        changed = bytearray(data)
        limit = 8 + header if rng.random() < 0.8 else len(data)
        for _ in range(int(rng.integers(1, 4))):
            changed[int(rng.integers(0, limit))] = int(rng.integers(0, 256))
        accepted += check_alike(bytes(changed))
    assert 20 < accepted < 1980  # the fuzz reaches both outcomes
