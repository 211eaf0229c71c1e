"""The core on ARM64, with and without the dot product, and on RISC-V: the bits of x86-64."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.bitformat.samples import SAMPLES
from tests.edge.emulated import CPUS, Array, answers, build, emulated
from tests.runtime.identity import named
from tests.runtime.random_graphs.networks import network
from tests.runtime.random_graphs.one_operation import any_operation

import signbit
from signbit.bitformat import encode

GRAPHS = 24
"""Of each kind that is drawn."""

every_machine = pytest.mark.parametrize(
    ("processor", "isa", "cpu"),
    [
        *(pytest.param("aarch64", isa, cpu, id=isa) for isa, cpu in CPUS.items()),
        pytest.param("riscv64", "scalar", "", id="riscv64"),
    ],
)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@every_machine
def test_native_tests(processor: str, isa: str, cpu: str) -> None:
    programs = sorted(path for path in build(processor).glob("test_*") if path.suffix == "")
    assert len(programs) > 25
    for program in programs:
        emulated(program, cpu=cpu)


def batches(data: bytes, count: int) -> list[Array]:
    """Samples for each input of a file, the same in every run."""
    draws = np.random.default_rng(count)
    drawn: list[Array] = []
    for given in signbit.load(data).inputs:
        pixels = draws.integers(0, 256, (count, *given.shape))
        drawn.append(pixels.astype(np.uint8 if given.kind == "image" else np.float32))
    return drawn


def cases() -> list[tuple[bytes, list[Array]]]:
    """Files and what they are fed with: every operation and step."""
    samples = [encode(*make()) for make in SAMPLES.values()]
    drawn = [make(seed) for make in (any_operation, network) for seed in range(GRAPHS)]
    return [
        *((data, batches(data, count)) for data in samples for count in (1, 5)),
        *((case.data, [case.feeds[n] for n in sorted(case.feeds)]) for case in drawn),
    ]


@pytest.mark.slow
@pytest.mark.timeout(3600)
@every_machine
def test_every_operation(processor: str, isa: str, cpu: str, tmp_path: Path) -> None:
    program = build(processor) / "run_file"
    for number, (data, inputs) in enumerate(cases()):
        engine = signbit.load(data, threads=1, isa="scalar")
        given = {each.name: array for each, array in zip(engine.inputs, inputs, strict=True)}
        results = named(engine(given if len(inputs) > 1 else inputs[0]))
        expected = b"".join(array.tobytes() for array in results.values())
        file = tmp_path / "model.sbnn"
        file.write_bytes(data)
        for how in ("fused", "steps"):
            actual = answers(program, file, inputs, isa, how, cpu)
            assert actual == expected, f"case {number}, {how}"


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_what_a_processor_lacks_is_refused(tmp_path: Path) -> None:
    program = build("aarch64") / "run_file"
    data = encode(*SAMPLES["sample"]())
    file = tmp_path / "model.sbnn"
    file.write_bytes(data)
    inputs = batches(data, 1)
    with pytest.raises(AssertionError, match=r"lacks 'neon_dot'; usable here: neon, scalar"):
        answers(program, file, inputs, "neon_dot", "fused", CPUS["neon"])
    with pytest.raises(
        AssertionError, match=r"unknown .*'avx2'; usable here: neon_dot, neon, scal"
    ):
        answers(program, file, inputs, "avx2", "fused", CPUS["neon_dot"])
