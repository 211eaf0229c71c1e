"""Samples with one thing changed, drawn from all that can be: of a graph, constants, bytes."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator

import numpy as np
from tests.bitformat.files import raw_file, text_file
from tests.bitformat.mutations import constant_mutations, graph_mutations
from tests.bitformat.samples import Make

from signbit.bitformat import encode
from signbit.bitformat.schema import to_json

__all__ = ["changed_files"]


def changed_files(make: Make, count: int) -> Iterator[tuple[str, bytes]]:
    """What is changed and the file, so many of each kind; the same in every run."""
    graph, constants = make()
    text = json.loads(to_json(graph))
    draws = np.random.default_rng(5)
    of_graph, of_constants = list(graph_mutations(text)), list(constant_mutations(constants))
    for place in draws.choice(len(of_graph), count, replace=False):
        changed = copy.deepcopy(text)
        of_graph[place].apply(changed)
        yield of_graph[place].label, text_file(json.dumps(changed), constants)
    for place in draws.choice(len(of_constants), count, replace=False):
        table = dict(constants)
        of_constants[place].apply(table)
        yield of_constants[place].label, raw_file(graph, table)
    data = encode(graph, constants)
    for place in draws.choice(len(data), count, replace=False):
        damaged = bytearray(data)
        damaged[place] = draws.integers(0, 256)
        yield f"byte {place}", bytes(damaged)
        yield f"cut at {place}", data[:place]
