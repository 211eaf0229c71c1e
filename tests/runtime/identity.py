"""Holding the native engine to the NumPy reference bit for bit, for every ISA and thread count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import strategies as st
from tests.runtime.graphs import Case

import signbit
from signbit.bitformat.int16_stem import has_integer_sums
from signbit.runtime import _native
from signbit.runtime.reference import ReferenceEngine

Array = npt.NDArray[Any]

ISAS = signbit.cpu_isas()
THREADS = st.sampled_from((1, 2, 3, 4, 8))

every_isa = pytest.mark.parametrize(
    "isa", [ISAS[0], *(pytest.param(isa, marks=pytest.mark.slow) for isa in ISAS[1:])]
)


def bits(array: Array) -> Array:
    """Raw bits, so that −0.0 differs from +0.0."""
    return array.view(np.int32) if array.dtype == np.float32 else array


def assert_identical(actual: Mapping[Any, Array], expected: Mapping[Any, Array]) -> None:
    assert sorted(map(str, actual)) == sorted(map(str, expected))
    for name, array in expected.items():
        assert actual[name].dtype == array.dtype, name
        assert actual[name].shape == array.shape, name
        np.testing.assert_array_equal(bits(actual[name]), bits(array), err_msg=str(name))


def named(answer: Any) -> Mapping[str, Array]:
    """What an engine's call gives, as name → array also where that is one array."""
    return answer if isinstance(answer, Mapping) else {"output": answer}


def sharing_engine(data: bytes, threads: int, isa: str = "") -> signbit.Engine:
    """An engine that cuts every node for all threads, on however few cores.

    Small networks run on one thread otherwise, as more do not pay.
    """
    engine = signbit.load(data, threads=threads, isa=isa or None)
    engine._model = _native.Model.load(data, threads, isa, share_all=True)
    return engine


def unfused_engine(data: bytes, threads: int, isa: str = "") -> signbit.Engine:
    """An engine that runs every node's steps one by one."""
    return signbit.Engine(data, threads, isa or None, _fuse=False)


def check(case: Case, isa: str, threads: int) -> None:
    """Every tensor, every node's integers and the outputs are the reference's."""
    reference = ReferenceEngine(case.data)
    expected = reference.run_nodes(case.feeds, case.fetches)
    outputs = named(reference(case.inputs))
    for load in (signbit.load, sharing_engine, unfused_engine):
        engine = load(case.data, threads=threads, isa=isa)
        assert (engine.isa, engine.threads) == (isa, threads)
        assert_identical(engine.run_nodes(case.feeds, case.fetches), expected)
        assert_identical(named(engine(case.inputs)), outputs)


def check_each_node(case: Case, isa: str, threads: int, seed: int) -> None:
    """A node fed with its own inputs (bits and reals out of the blue) gives its outputs."""
    reference = ReferenceEngine(case.data)
    engine = sharing_engine(case.data, threads, isa)
    rng = np.random.default_rng(seed)
    batch = int(rng.integers(0, 4))
    for node, numbers in zip(case.graph.nodes, case.written(), strict=True):
        feeds: dict[int, Array] = {}
        for number in node.inputs:
            kind, shape = reference.tensors[number]
            values: Array = rng.standard_normal((batch, *shape)).astype(np.float32)
            if kind == "bits":
                values = (values < 0).astype(np.uint8)
            elif kind == "image" and not case.takes_floats:
                values = rng.integers(0, 256, values.shape).astype(np.uint8)
            feeds[number] = values
        integers = has_integer_sums(node, case.constants)
        fetches = [*numbers, *([f"{node.name}#dots"] if integers else [])]
        expected = reference.run_nodes(feeds, fetches)
        assert_identical(engine.run_nodes(feeds, fetches), expected)
