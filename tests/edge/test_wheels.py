"""The wheels of tools/wheels.py, beside NumPy alone: the bits of this machine's build.

They are built for some ten minutes the first time, so only long tests build them. That of Python
3.11 for 64-bit Arm runs under QEMU.
"""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.edge.cases import assert_same_answers, cases, expected
from tests.edge.emulated import CPUS
from tests.edge.tools import require
from tests.thorough import LONG

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tools" / "wheels.py"
WHEELS = ROOT / "build" / "edge" / "wheels"

RUN = """
import sys
from pathlib import Path
import numpy, signbit
assert not {"torch", "PIL"} & set(sys.modules)
folder = Path(sys.argv[1])
for isa in signbit.cpu_isas():
    for file in folder.glob("*.sbnn"):
        engine = signbit.load(file, threads=1, isa=isa)
        arrays = numpy.load(file.with_suffix(".npz"))
        given = {each.name: arrays[str(number)] for number, each in enumerate(engine.inputs)}
        found = engine(given if len(given) > 1 else arrays["0"])
        outputs = list(found.values()) if isinstance(found, dict) else [found]
        (folder / f"{file.stem}.{isa}").write_bytes(b"".join(each.tobytes() for each in outputs))
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(not LONG, reason="builds wheels for ten minutes; SIGNBIT_TESTS=long"),
]


@pytest.fixture(scope="module")
def wheels() -> list[Path]:
    for module in ("ziglang", "auditwheel"):
        pytest.importorskip(module, reason="pip install 'signbit[wheels]'")
    shutil.rmtree(WHEELS, ignore_errors=True)  # those of an earlier version
    subprocess.run([sys.executable, SCRIPT, "--out", WHEELS], check=True)
    return sorted(WHEELS.glob("*.whl"))


def test_names_and_sizes(wheels: list[Path]) -> None:
    for kind in ("cp311-cp311", "cp312-abi3"):
        for machine in ("aarch64", "x86_64"):
            (path,) = (each for each in wheels if f"-{kind}-" in each.name and machine in each.name)
            assert path.name.endswith(f"manylinux_2_28_{machine}.whl")
    assert len(wheels) == 4
    assert max(path.stat().st_size for path in wheels) < 4e6


def assert_same_bits(command: Sequence[object], folder: Path) -> None:
    """A command that runs RUN on a folder says what this machine's scalar engine says."""
    wanted = {}
    for number, (data, inputs) in enumerate(cases()):
        (folder / f"{number}.sbnn").write_bytes(data)
        np.savez(folder / f"{number}.npz", **{str(i): each for i, each in enumerate(inputs)})
        wanted[str(number)] = expected(data, inputs)
    variables = {name: text for name, text in os.environ.items() if name != "SIGNBIT_ISA"}
    subprocess.run([*command, "-c", RUN, folder], check=True, env=variables)
    answers = [
        path for path in folder.iterdir() if path.is_file() and path.suffix not in (".sbnn", ".npz")
    ]
    assert len(answers) >= 2 * len(wanted)
    for answer in answers:
        assert_same_answers(answer.read_bytes(), wanted[answer.stem], answer.name)


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_x86_64(wheels: list[Path], version: str, tmp_path: Path) -> None:
    kind = "cp311-cp311" if version == "3.11" else "cp312-abi3"
    (wheel,) = (path for path in wheels if kind in path.name and "x86_64" in path.name)
    python = next(iter(runpy.run_path(str(SCRIPT))["interpreters"]([version])), None)
    if python is None:
        pytest.skip(f"no Python {version}")
    subprocess.run([python, "-m", "venv", tmp_path / "venv"], check=True)
    inside = tmp_path / "venv" / "bin" / "python"
    subprocess.run([inside, "-m", "pip", "install", "--quiet", wheel, "numpy"], check=True)
    assert_same_bits([inside], tmp_path)


def test_aarch64(wheels: list[Path], tmp_path: Path) -> None:
    """With Debian's Python for 64-bit Arm and PyPI's NumPy for it."""
    require([tool for tool in ("qemu-aarch64", "apt-get", "dpkg") if shutil.which(tool) is None])
    (wheel,) = (path for path in wheels if "cp311" in path.name and "aarch64" in path.name)
    machine = ROOT / "build" / "edge" / "arm64-python"
    if not (machine / "usr" / "bin" / "python3.11").exists():
        subprocess.run([ROOT / "tools" / "arm64_python.sh", machine], check=True)
    platforms = [f"--platform=manylinux_2_{minor}_aarch64" for minor in (17, 27, 28)]
    options = ["--only-binary=:all:", "--python-version=3.11", f"--target={tmp_path / 'site'}"]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", *platforms, *options]
    subprocess.run([*pip, wheel, "numpy"], check=True)
    command = ["qemu-aarch64", "-L", machine, "-cpu", CPUS["neon_dot"]]
    command += ["-E", f"PYTHONPATH={tmp_path / 'site'}", machine / "usr" / "bin" / "python3.11"]
    assert_same_bits(command, tmp_path)
