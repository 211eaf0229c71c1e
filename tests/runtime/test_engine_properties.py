"""The native engine equals the NumPy reference bit for bit: every operation and step, ISA and
thread count. Whatever a random graph holds, every tensor of it is compared, dots included, as raw
bits.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtime import strategies
from tests.runtime.graphs import Case
from tests.runtime.identity import (
    THREADS,
    assert_identical,
    check,
    check_each_node,
    every_isa,
    named,
)
from tests.thorough import many

import signbit
from signbit.runtime.reference import ReferenceEngine

Array = npt.NDArray[Any]

NETWORKS = st.one_of(strategies.networks, strategies.int16_networks, strategies.severals)


def drawn(count: int) -> settings:
    """So many random cases in long tests, and no more than 40 of them by default."""
    return settings(derandomize=True, deadline=None, max_examples=many(count, least=40))


@every_isa
@drawn(100)
@given(case=strategies.binary_convs, threads=THREADS)
def test_binary_convolutions(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@drawn(100)
@given(case=strategies.adjusteds, threads=THREADS)
def test_maps_sums_and_borders(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@drawn(100)
@given(case=strategies.copieds, threads=THREADS)
def test_weights_that_several_maps_meet(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@drawn(40)
@given(case=strategies.linears, threads=THREADS)
def test_fully_connected_layers(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@drawn(60)
@given(case=strategies.real_heads, threads=THREADS)
def test_real_heads_of_batches(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@drawn(60)
@given(case=strategies.real_convs, threads=THREADS)
def test_real_convolutions(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@drawn(100)
@given(case=strategies.int16_stems, threads=THREADS)
def test_int16_stems(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@drawn(60)
@given(case=strategies.looked_ups, threads=THREADS)
def test_tables_of_pixels(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@drawn(60)
@given(case=strategies.sign_sums, threads=THREADS)
def test_sums_of_signs(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@drawn(80)
@given(case=strategies.pools, threads=THREADS)
def test_pools_and_means(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@drawn(40)
@given(case=strategies.multiplieds, threads=THREADS)
def test_values_times_a_map(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@drawn(60)
@given(case=strategies.over_channelss, threads=THREADS)
def test_softmax_norms_and_gates(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@drawn(80)
@given(case=strategies.rearrangeds, threads=THREADS)
def test_operations_that_move_values(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@drawn(80)
@given(case=strategies.any_operations, threads=THREADS)
def test_any_operations_of_the_table(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@drawn(80)
@given(case=NETWORKS, threads=THREADS)
def test_networks(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@drawn(60)
@given(case=strategies.severals, threads=THREADS)
def test_several_inputs_and_outputs(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@drawn(100)
@given(case=strategies.pooled_stems, threads=THREADS)
def test_pooled_stems(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@drawn(30)
@given(case=strategies.bandeds, threads=THREADS)
def test_pools_of_large_tensors(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@drawn(40)
@given(case=strategies.binarizeds, threads=THREADS)
def test_signs_made_for_one_convolution(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@drawn(50)
@given(case=strategies.residuals, threads=THREADS)
def test_residual_networks(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@drawn(60)
@given(case=strategies.wideneds, threads=THREADS)
def test_repeated_operands_and_offsets_of_whole_words(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@drawn(80)
@given(case=NETWORKS, threads=THREADS, seed=st.integers(0, 2**32))
def test_each_node_alone(isa: str, case: Case, threads: int, seed: int) -> None:
    """A node fed with its own inputs (bits and reals out of the blue) gives its outputs."""
    check_each_node(case, isa, threads, seed)


@every_isa
@drawn(40)
@given(case=NETWORKS, threads=THREADS)
def test_images_do_not_influence_each_other(isa: str, case: Case, threads: int) -> None:
    """A batch gives what its images give one by one, however often the engine has run."""
    engine = signbit.load(case.data, threads=threads, isa=isa)
    together = named(engine(case.inputs))
    alone = [named(engine(case.inputs_of(slice(i, i + 1)))) for i in range(case.batch)]
    assert_identical(named(engine(case.inputs)), together)
    if alone:
        joined = {name: np.concatenate([each[name] for each in alone]) for name in together}
        assert_identical(joined, together)


@every_isa
def test_one_engine_in_many_threads(isa: str) -> None:
    case = strategies.network(3)
    engine = signbit.load(case.data, threads=2, isa=isa)
    rng = np.random.default_rng(4)
    batches = [
        rng.integers(0, 256, (n % 5, *engine.input_shape)).astype(np.uint8) for n in range(40)
    ]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(engine, batches))
    reference = ReferenceEngine(case.data)
    for images, result in zip(batches, results, strict=True):
        assert_identical(named(result), named(reference(images)))


@every_isa
@drawn(40)
@given(case=strategies.resizeds)
def test_files_of_any_size(isa: str, case: Case) -> None:
    reference = ReferenceEngine(case.data, input_size=case.input_size)
    engine = signbit.load(case.data, threads=2, isa=isa, input_size=case.input_size)
    assert engine.input_shape == reference.input_shape
    expected = reference.run_nodes(case.feeds, case.fetches)
    assert_identical(engine.run_nodes(case.feeds, case.fetches), expected)
    assert_identical(named(engine(case.inputs)), named(reference(case.inputs)))
