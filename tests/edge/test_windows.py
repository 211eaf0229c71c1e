"""The core and the C library on Windows (MinGW, under Wine): the bits of x86-64's Linux."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.edge.cases import (
    Array,
    assert_same_answers,
    batches,
    cases,
    expected,
    networks,
    published,
)
from tests.edge.windows import TOOLCHAIN, Ran, build, run_all
from tests.native.test_photos import _file
from tests.thorough import LONG

import signbit
from signbit.bitformat.graph import Resize

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def built() -> Path:
    return build()


def answers(
    program: Path, folder: Path, runs: Sequence[tuple[bytes, list[Array], str, str]]
) -> list[Ran]:
    """What run_file says of files and inputs, on an instruction set, "fused" or by "steps"."""
    commands = []
    for number, (data, inputs, isa, how) in enumerate(runs):
        (folder / f"{number}.sbnn").write_bytes(data)
        names = [f"{number}.in{index}" for index in range(len(inputs))]
        for name, array in zip(names, inputs, strict=True):
            (folder / name).write_bytes(array.tobytes())
        commands.append([program, f"{number}.sbnn", isa, len(inputs[0]), how, *names])
    return run_all(commands, folder)


def test_native_tests(built: Path, tmp_path: Path) -> None:
    programs = sorted(built.glob("test_*.exe"))
    assert len(programs) > 25
    for program, ran in zip(programs, run_all([[p] for p in programs], tmp_path), strict=True):
        assert ran.code == 0, f"{program.name}: {ran.errors[:2000]}"


def assert_same_bits(
    built: Path, folder: Path, asked: Sequence[tuple[bytes, list[Array]]], isas: Sequence[str] = ()
) -> None:
    """Fused and step by step, on `isas`; case by case on the next of all where none is given."""
    every = signbit.cpu_isas()
    runs = [
        (data, inputs, isa, how)
        for number, (data, inputs) in enumerate(asked)
        for isa in isas or [every[number % len(every)]]
        for how in ("fused", "steps")
    ]
    for run, ran in zip(runs, answers(built / "run_file.exe", folder, runs), strict=True):
        data, inputs, isa, how = run
        assert ran.code == 0, f"{isa}, {how}: {ran.errors}"
        assert_same_answers(ran.output, expected(data, inputs), f"{isa}, {how}")


def test_every_operation(built: Path, tmp_path: Path) -> None:
    """On every instruction set in long tests."""
    assert_same_bits(built, tmp_path, cases(), signbit.cpu_isas() if LONG else ())


def test_networks(built: Path, tmp_path: Path) -> None:
    asked = [(data, batches(data, 2)) for data in networks().values()]
    assert_same_bits(built, tmp_path, asked, signbit.cpu_isas())


def test_a_published_network(built: Path, shared_data: Path, tmp_path: Path) -> None:
    data = published(shared_data)
    assert_same_bits(built, tmp_path, [(data, batches(data, 2))], signbit.cpu_isas())


def test_examples(built: Path, tmp_path: Path) -> None:
    """The C example with signbit.dll, which alone it needs, and the C++ one with the library in it;
    each says what it says on Linux."""
    installed = tmp_path / "installed"
    command = ["cmake", "--install", built, "--component", "library", "--strip"]
    subprocess.run([*command, "--prefix", installed], check=True, capture_output=True)
    assert (installed / "bin" / "signbit.dll").stat().st_size < 2.8e6
    options = [
        f"-DCMAKE_TOOLCHAIN_FILE={TOOLCHAIN}",
        f"-DCMAKE_PREFIX_PATH={installed}",
        "-DCMAKE_FIND_ROOT_PATH_MODE_PACKAGE=BOTH",
    ]
    programs = []
    for example, name in (("c", "classify"), ("cpp", "classify_many")):
        folder = tmp_path / example
        said = ["cmake", "-G", "Ninja", "-S", ROOT / "examples" / example, "-B", folder, *options]
        subprocess.run(said, check=True, capture_output=True)
        subprocess.run(["ninja", "-C", folder, "--quiet"], check=True)
        programs.append(folder / f"{name}.exe")
    shutil.copy(installed / "bin" / "signbit.dll", tmp_path / "c")

    model, photo = tmp_path / "model.sbnn", tmp_path / "photo.ppm"
    model.write_bytes(_file(24, 32, 3, Resize(30, "bilinear")))
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    Image.fromarray(pixels).resize((90, 70)).save(photo)
    commands = [[program, model.name, photo.name] for program in programs]
    commands.append([programs[0], "absent.sbnn", photo.name])
    c, cpp, absent = run_all(commands, tmp_path)
    best = signbit.load(model).predict(photo).top(3)
    lines = [f"{100 * share:5.1f} %  class {name}\r\n" for name, share in best]
    assert c.output.decode() == "".join(lines)
    assert cpp.output.decode() == f"photo.ppm: class {best[0][0]}\r\n"
    assert absent.code == 1
    assert absent.errors.strip() == "absent.sbnn: absent.sbnn: No such file or directory"
