"""The core on ARM64, with and without the dot product, and on RISC-V: the bits of x86-64."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from tests.bitformat.files import text_file
from tests.bitformat.mutations import graph_mutations
from tests.bitformat.samples import SAMPLES
from tests.edge.cases import (
    Array,
    assert_same_answers,
    batches,
    cases,
    expected,
    networks,
    published,
)
from tests.edge.emulated import CPUS, QUICK, answers, build, emulated
from tests.native.test_size import MOST
from tests.runtime.test_hostile_files import HOSTILE as HOSTILE_FILES
from tests.runtime.test_hostile_graphs import HOSTILE as HOSTILE_GRAPHS
from tests.thorough import LONG, many

import signbit
from signbit.bitformat import encode
from signbit.bitformat.schema import to_json
from signbit.errors import ModelFileError, ModelVersionError

every_machine = pytest.mark.parametrize(
    ("processor", "isa", "cpu"),
    [
        *(pytest.param("aarch64", isa, cpu, id=isa) for isa, cpu in CPUS.items()),
        pytest.param("riscv64", "scalar", "", id="riscv64"),
    ],
)


def assert_same_bits(
    program: Path,
    data: bytes,
    inputs: list[Array],
    machine: tuple[str, str],
    folder: Path,
    what: object,
) -> None:
    """Fused and step by step; `machine` is the kernels' name and the CPU's."""
    wanted = expected(data, inputs)
    file = folder / "model.sbnn"
    file.write_bytes(data)
    isa, cpu = machine
    for how in ("fused", "steps"):
        actual = answers(program, file, inputs, isa, how, cpu)
        assert_same_answers(actual, wanted, f"{what}, {how}")


@pytest.mark.parametrize("other", [-np.nan, 0.0, -1.0])
def test_any_nan_is_the_same_and_nothing_else(other: float) -> None:
    wanted = [np.int8([1]), np.float32([np.nan, 0.0, np.inf])]
    found = np.float32([other, 0.0, np.inf]).tobytes()
    if np.isnan(other):
        assert_same_answers(b"\1" + found, wanted, "NaN")
        found = np.float32([other, -0.0, np.inf]).tobytes()
    with pytest.raises(AssertionError, match="zero"):
        assert_same_answers(b"\1" + found, wanted, "zero")
    with pytest.raises(AssertionError, match="long"):
        assert_same_answers(found, wanted, "long")


@pytest.mark.slow
@pytest.mark.timeout(3600)
@every_machine
def test_native_tests(processor: str, isa: str, cpu: str) -> None:
    folder = build(processor)
    programs = [folder / name for name in QUICK]
    if LONG:
        programs = sorted(path for path in folder.glob("test_*") if path.suffix == "")
        assert len(programs) > 25
    for program in programs:
        emulated(program, cpu=cpu)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@every_machine
def test_every_operation(processor: str, isa: str, cpu: str, tmp_path: Path) -> None:
    program = build(processor) / "run_file"
    for number, (data, inputs) in enumerate(cases()):
        assert_same_bits(program, data, inputs, (isa, cpu), tmp_path, number)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@every_machine
def test_networks(processor: str, isa: str, cpu: str, tmp_path: Path) -> None:
    program = build(processor) / "run_file"
    for name, data in networks().items():
        assert_same_bits(program, data, batches(data, 2), (isa, cpu), tmp_path, name)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@every_machine
def test_a_published_network(
    processor: str, isa: str, cpu: str, shared_data: Path, tmp_path: Path
) -> None:
    data = published(shared_data)
    program = build(processor) / "run_file"
    assert_same_bits(program, data, batches(data, 2), (isa, cpu), tmp_path, "CNV-W1A1")


def hostile_files() -> Iterator[bytes]:
    """Files of one byte or more that lie, and a graph with one value changed, each in its way."""
    for data, _ in (HOSTILE_FILES | HOSTILE_GRAPHS).values():
        if data:
            yield data
    make = SAMPLES["sample"]
    graph = json.loads(to_json(make()[0]))
    mutations = list(graph_mutations(graph))
    for mutation in mutations[:: max(1, len(mutations) // many(2000))]:
        changed = deepcopy(graph)
        mutation.apply(changed)
        yield text_file(json.dumps(changed), make()[1])


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("processor", ["aarch64", "riscv64"])
def test_hostile_files(processor: str, tmp_path: Path) -> None:
    """The C API says what the engine says on x86-64, of every file."""
    program = build(processor) / "load_files"
    wanted, names = [], []
    for number, data in enumerate(hostile_files()):
        names.append(f"{number}.sbnn")
        (tmp_path / names[-1]).write_bytes(data)
        try:
            signbit.load(data, threads=1)
        except ModelVersionError as error:
            wanted.append(f"2 {error}")
        except ModelFileError as error:
            wanted.append(f"1 {error}")
        else:
            wanted.append("0 ")
    said = emulated(program, *(tmp_path / name for name in names)).decode().split("\n")[:-1]
    assert said == wanted


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


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not LONG, reason="quick builds are not as they are installed")
def test_the_shared_library_is_small(tmp_path: Path) -> None:
    stripped = tmp_path / "libsignbit.so"
    library = build("aarch64") / stripped.name
    subprocess.run(["aarch64-linux-gnu-strip", "-o", stripped, library], check=True)
    assert stripped.stat().st_size <= MOST["aarch64"]
