"""Files changed at random: refused, or read, by the NumPy reader and the native one alike."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tests.bitformat.format3_sample import format3_sample
from tests.bitformat.samples import int16_sample, join, sample, split
from tests.runtime.readers import check_alike

from signbit.bitformat import encode

MAKES = (sample, int16_sample, format3_sample)
samples = pytest.mark.parametrize("data", [encode(*make()) for make in MAKES], ids=["1", "2", "3"])


@samples
def test_flipped_bytes_are_judged_alike(data: bytes) -> None:
    """One to three bytes changed anywhere: refused, or read, by both."""
    rng = np.random.default_rng(11)
    header = int.from_bytes(data[:8], "little")
    accepted = 0
    for _ in range(4000):
        changed = bytearray(data)
        limit = 8 + header if rng.random() < 0.8 else len(data)
        for _ in range(int(rng.integers(1, 4))):
            changed[int(rng.integers(0, limit))] = int(rng.integers(0, 256))
        accepted += check_alike(bytes(changed))
    assert 50 < accepted < 3950  # the fuzz reaches both outcomes


@samples
def test_changed_values_are_judged_alike(data: bytes) -> None:
    """Any number or string of the graph replaced by another of the graph, or an odd one."""
    header, body = split(data)
    text: str = header["__metadata__"]["signbit"]
    rng = np.random.default_rng(12)
    scalars = list(_scalars(json.loads(text)))
    odd = [0, 1, 2, 3, 5, 7, -1, 16_384, 65_536, 2**31, 2**53, "", "image", None]
    accepted = 0
    for _ in range(1200):
        graph = json.loads(text)
        for _ in range(int(rng.integers(1, 3))):
            path = scalars[int(rng.integers(len(scalars)))][0]
            values = odd if rng.random() < 0.5 else [value for _, value in scalars]
            parent = graph
            for key in path[:-1]:
                parent = parent[key]
            parent[path[-1]] = values[int(rng.integers(len(values)))]
        header["__metadata__"]["signbit"] = json.dumps(graph)
        accepted += check_alike(join(header, body))
    assert 20 < accepted < 1150


def _scalars(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if not isinstance(value, dict | list):
        yield path, value
        return
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _scalars(item, (*path, key))
