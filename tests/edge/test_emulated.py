"""The core on ARM64, with and without the dot product, and on RISC-V: the bits of x86-64."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.bitformat.samples import SAMPLES
from tests.edge.cases import batches, cases, expected
from tests.edge.emulated import CPUS, QUICK, answers, build, emulated
from tests.native.test_size import MOST
from tests.thorough import LONG

from signbit.bitformat import encode

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
        wanted = b"".join(array.tobytes() for array in expected(data, inputs))
        file = tmp_path / "model.sbnn"
        file.write_bytes(data)
        for how in ("fused", "steps"):
            actual = answers(program, file, inputs, isa, how, cpu)
            assert actual == wanted, f"case {number}, {how}"


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
