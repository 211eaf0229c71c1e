"""The parts of the newest format version in the native engine: the reference's bits, everywhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bitformat.format3_sample import format3_sample
from tests.runtime import newest
from tests.runtime.graphs import Case
from tests.runtime.identity import (
    ISAS,
    THREADS,
    assert_identical,
    check,
    check_each_node,
    every_isa,
)

import signbit
from signbit.bitformat import encode
from signbit.runtime.reference import ReferenceEngine


@every_isa
@settings(derandomize=True, deadline=None, max_examples=100)
@given(case=newest.binary_convs, threads=THREADS)
def test_binary_convolutions(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@settings(derandomize=True, deadline=None, max_examples=60)
@given(case=newest.wideneds, threads=THREADS)
def test_repeated_shortcuts_and_biases_of_whole_words(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@settings(derandomize=True, deadline=None, max_examples=100)
@given(case=newest.adjusteds, threads=THREADS)
def test_maps_sums_and_borders(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@settings(derandomize=True, deadline=None, max_examples=40)
@given(case=newest.multiplieds, threads=THREADS)
def test_values_times_a_map(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@settings(derandomize=True, deadline=None, max_examples=60)
@given(case=newest.sign_sums, threads=THREADS)
def test_sums_of_signs(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@settings(derandomize=True, deadline=None, max_examples=60)
@given(case=newest.real_convs, threads=THREADS)
def test_real_convolutions(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@settings(derandomize=True, deadline=None, max_examples=60)
@given(case=newest.networks, threads=THREADS)
def test_networks(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@settings(derandomize=True, deadline=None, max_examples=20)
@given(case=newest.bandeds, threads=THREADS)
def test_pools_of_large_tensors(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@settings(derandomize=True, deadline=None, max_examples=40)
@given(case=newest.residuals, threads=THREADS)
def test_residual_networks(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@settings(derandomize=True, deadline=None, max_examples=50)
@given(case=newest.networks, threads=THREADS, seed=st.integers(0, 2**32))
def test_each_node_alone(isa: str, case: Case, threads: int, seed: int) -> None:
    check_each_node(case, isa, threads, seed)


@every_isa
@settings(derandomize=True, deadline=None, max_examples=30)
@given(case=newest.networks, threads=THREADS)
def test_images_do_not_influence_each_other(isa: str, case: Case, threads: int) -> None:
    engine = signbit.load(case.data, threads=threads, isa=isa)
    images = case.feeds["image"]
    alone = [engine(images[i : i + 1]) for i in range(len(images))]
    if alone:
        assert_identical({"y": engine(images)}, {"y": np.concatenate(alone)})


@every_isa
def test_infinities_beside_whole_words(isa: str) -> None:
    """Adding nothing, and multiplying by 1, leaves zeros, infinities and NaN as they are."""
    extremes = np.float32([np.inf, -np.inf, 0.0, -0.0, 3e38, -3e38, 2.0**-149, -1])
    for seed in range(30):
        case = newest.widened(seed)
        rng = np.random.default_rng(seed)
        shape = (2, *case.graph.tensor("n0.real").shape)
        feeds = {
            "n0.real": rng.choice(extremes, shape),
            "n0.bits0": rng.integers(0, 2, shape).astype(np.uint8),
        }
        fetches = [name for node in case.graph.nodes[1:] for name in node.outputs]
        with np.errstate(invalid="ignore", over="ignore"):
            expected = ReferenceEngine(case.data).run_nodes(feeds, fetches)
        engine = signbit.load(case.data, threads=2, isa=isa)
        assert_identical(engine.run_nodes(feeds, fetches), expected)


@pytest.mark.parametrize("isa", ISAS)
def test_explain_names_the_parts(isa: str) -> None:
    reports = signbit.load(encode(*format3_sample()), threads=1, isa=isa).explain()
    assert [report["kernel"] for report in reports] == [
        f"pointwise_f32_{isa}",
        f"mean_abs_f32_{isa}",
        f"conv_f32_{isa}",
        f"sign_sum_b1_{isa}",
        f"conv_b1_{isa}+map+sums+border",
        f"conv_f32_{isa}+signs+packed",
    ]
    limits = [report["limit_gmacs_per_s"] for report in reports]
    assert [limit is not None for limit in limits] == [False, False, True, False, True, True]
