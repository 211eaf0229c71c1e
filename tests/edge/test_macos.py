"""The C library for macOS on 64-bit Arm compiles and links; nothing here can run it.

The compiler's own C++ library and ours are compiled for some five minutes the first time, so only
long tests do so.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.edge.tools import one_at_a_time
from tests.thorough import LONG

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "edge" / "macos"
MACH_O = b"\xcf\xfa\xed\xfe"


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.skipif(not LONG, reason="compiles for five minutes; SIGNBIT_TESTS=long")
def test_library_and_example(tmp_path: Path) -> None:
    ziglang = pytest.importorskip("ziglang", reason="pip install 'signbit[wheels]'")
    zig = Path(ziglang.__file__).parent / "zig"
    options = {
        "CMAKE_SYSTEM_NAME": "Darwin",
        "CMAKE_TOOLCHAIN_FILE": ROOT / "tools" / "toolchains" / "zig.cmake",
        "SIGNBIT_PYTHON": "OFF",
        "SIGNBIT_ZIG": zig,
    }
    settings = [f"-D{name}={value}" for name, value in options.items()]
    with one_at_a_time(BUILD):
        said = ["cmake", "-G", "Ninja", "-S", ROOT, "-B", BUILD, *settings]
        subprocess.run(said, check=True, capture_output=True)
        targets = ["signbit_core", "signbit_shared"]
        subprocess.run(["ninja", "-C", BUILD, "--quiet", *targets], check=True)
    program = tmp_path / "classify"
    said = [zig, "cc", "-target", "aarch64-macos.11.0", ROOT / "examples" / "c" / "classify.c"]
    said += ["-I", ROOT / "native" / "include", "-L", BUILD, "-lsignbit", "-o", program]
    subprocess.run(said, check=True)
    for file in (BUILD / "libsignbit.dylib", program):
        assert file.read_bytes()[:4] == MACH_O, file
