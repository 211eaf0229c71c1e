"""Builds of the core for other processors, and their programs under QEMU.

A build stays in build/edge, so that the next one compiles only what changed. By default it has the
programs that say most of a processor, built in half the time by -O1; long tests have all of them as
they are installed. Each needs what tools/install_edge_tools.sh installs.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tests.edge.tools import one_at_a_time, require
from tests.thorough import LONG

Array = npt.NDArray[np.generic]

ROOT = Path(__file__).parents[2]

QUICK = (
    "test_binary_dot",
    "test_chain",
    "test_finish_dots",
    "test_float_environment",
    "test_fused",
    "test_json",
    "test_kernels",
    "test_model_file",
    "test_real_conv",
    "test_sign_sums",
)
"""Tests of arithmetic, and of what is read byte by byte."""

CPUS = {"neon_dot": "neoverse-n1", "neon": "cortex-a72"}
"""By the best kernels that it can run, a CPU that QEMU emulates."""


def build(processor: str) -> Path:
    """The folder of the native tests of a processor; skips where its tools are missing."""
    tools = (f"{processor}-linux-gnu-g++", f"qemu-{processor}", "cmake", "ninja")
    missing = [tool for tool in tools if shutil.which(tool) is None]
    require(missing)
    folder = ROOT / "build" / "edge" / ("whole" if LONG else "quick") / processor
    options = {
        "CMAKE_TOOLCHAIN_FILE": ROOT / "tools" / "toolchains" / f"{processor}.cmake",
        "SIGNBIT_PYTHON": "OFF",
        "SIGNBIT_NATIVE_TESTS": "ON",
        "CMAKE_BUILD_TYPE": "Release" if LONG else "Quick",
        "CMAKE_CXX_FLAGS_QUICK": "-O1 -DNDEBUG",
    }
    if shutil.which("ccache"):
        options["CMAKE_CXX_COMPILER_LAUNCHER"] = "ccache"
    settings = [f"-D{name}={value}" for name, value in options.items()]
    said = ["cmake", "-G", "Ninja", "-S", ROOT, "-B", folder, *settings]
    programs = () if LONG else (*QUICK, "run_file", "load_files")
    with one_at_a_time(folder):
        subprocess.run(said, check=True, capture_output=True)
        subprocess.run(["ninja", "-C", folder, "--quiet", *programs], check=True)
    return folder


def emulated(program: Path, *arguments: object, cpu: str = "") -> bytes:
    """What a program of such a folder prints; its messages where it fails."""
    processor = program.parent.name
    command = [f"qemu-{processor}", "-L", f"/usr/{processor}-linux-gnu"]
    command += ["-cpu", cpu] if cpu else []
    environment = {name: value for name, value in os.environ.items() if name != "SIGNBIT_ISA"}
    done = subprocess.run(
        [*command, program, *map(str, arguments)], capture_output=True, env=environment
    )
    assert done.returncode == 0, f"{program.name}: {how_it_ended(done)}"
    return done.stdout


def how_it_ended(done: subprocess.CompletedProcess[bytes]) -> str:
    """The exit status, or the signal that ended a program, and the end of what it printed."""
    code = done.returncode
    status = f"exit status {code}" if code >= 0 else f"signal {-code}, {signal.strsignal(-code)}"
    said = done.stderr + done.stdout[-1000:]
    return f"{status}: {said.decode(errors='replace') or 'it printed nothing'}"


def answers(program: Path, file: Path, inputs: list[Array], isa: str, how: str, cpu: str) -> bytes:
    """The bytes of all outputs that run_file gives for a batch of `inputs`, one file for each.

    `how` is "fused" or "steps".
    """
    paths = []
    for number, array in enumerate(inputs):
        paths.append(file.with_suffix(f".{number}"))
        paths[-1].write_bytes(array.tobytes())
    return emulated(program, file, isa, len(inputs[0]), how, *paths, cpu=cpu)
