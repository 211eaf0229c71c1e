"""Valid but absurd files are refused before anything is allocated; estimates are near the truth."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from tests.bitformat.builder import Builder
from tests.bitformat.samples import sample_bytes
from tests.runtime import strategies
from tests.runtime.absurd import ABSURD, LONG, Make
from tests.runtime.graphs import Case

import signbit
from signbit.bitformat import decode, encode
from signbit.bitformat.graph import Output
from signbit.errors import InputError, ModelFileError
from signbit.runtime import _native

SECONDS = 5
"""For what takes a second on an idle machine."""
LITTLE = 4096
"""Bytes that no factor is asked of: lists of a few entries."""


def timed_load(data: bytes, **limits: int) -> signbit.Engine:
    start = time.process_time()
    try:
        return signbit.load(data, threads=1, **limits)
    finally:
        assert time.process_time() - start < SECONDS


@pytest.mark.parametrize("make", ABSURD.values(), ids=ABSURD)
def test_absurd_files_are_refused(make: Make) -> None:
    data = encode(*make())
    assert len(data) < 1_000_000
    with pytest.raises(ModelFileError, match=r"^nodes\[\d+\]: .* larger max_.*\(node '") as caught:
        timed_load(data)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("make", [*ABSURD.values(), *LONG.values()], ids=[*ABSURD, *LONG])
def test_both_readers_are_quick(make: Make) -> None:
    data = encode(*make())
    assert len(data) < 1_100_000
    for read in (decode, _native.check_model):
        start = time.process_time()
        read(data)
        assert time.process_time() - start < SECONDS


@pytest.mark.parametrize("make", LONG.values(), ids=LONG)
def test_strange_files_load_soon_or_are_refused_soon(make: Make) -> None:
    data = encode(*make())
    try:
        timed_load(data)
    except ModelFileError as error:
        assert "max_" in str(error)  # noqa: PT017


def assert_near_the_truth(size: Any) -> None:
    for part in ("constants", "arena", "scratch"):
        estimated, held = size[part]
        assert estimated <= 2 * held + LITTLE, (part, size)
        assert held <= 2 * estimated + LITTLE, (part, size)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(case=strategies.networks | strategies.int16_networks | strategies.severals)
def test_estimates_of_random_networks(case: Case) -> None:
    for isa in signbit.cpu_isas():
        for fuse in (True, False):
            model = _native.Model.load(case.data, 1, isa, fuse=fuse)
            assert_near_the_truth(model.size)
            assert model.size["operations"] >= sum(node["macs"] for node in model.nodes)


def test_limits_can_be_set() -> None:
    data = sample_bytes()
    signbit.load(data, max_bytes=10**6, max_operations=10**6)
    with pytest.raises(ModelFileError, match=r"^nodes\[\d\]: .* GB of memory, at most 1e-05 GB"):
        signbit.load(data, max_bytes=10_000)
    with pytest.raises(ModelFileError, match=r"operations up to here, at most 100 are allowed"):
        signbit.load(data, max_operations=100)


@pytest.mark.parametrize("limit", [0, -1, 2**62 + 1, 2**80, 1.5, "4"])
def test_limits_are_whole_numbers(limit: Any) -> None:
    for name in ("max_bytes", "max_operations"):
        with pytest.raises(InputError, match=f"^{name}: must be "):
            signbit.load(sample_bytes(), **{name: limit})


def any_size() -> bytes:
    b = Builder(0)
    image = b.input("image", "image", 8, 8, 3)
    signs = b.node("signs", "identity", (image,), outputs=(Output("signs"),))
    b.output("y", b.node("conv", "binary_conv", (signs,), weight=b.filters(64, 3)))
    return encode(*b.sample(any_size=True))


def test_a_size_that_is_asked_for() -> None:
    data = any_size()
    signbit.load(data, input_size=(512, 512))
    with pytest.raises(InputError, match=r"^input_size: at this size nodes\[1\]: .*max_bytes"):
        signbit.load(data, input_size=(4096, 4096))


def test_a_batch_of_results_that_are_too_large() -> None:
    model = signbit.load(any_size(), max_bytes=10**6)
    images = np.zeros((70, 8, 8, 3), np.uint8)
    assert model(images[:60]).shape == (60, 8, 8, 64)
    with pytest.raises(InputError, match=r"^the results of 70 samples take .* fewer at a time$"):
        model(images)
